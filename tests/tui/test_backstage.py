"""Work on the box, away from the event loop."""

from __future__ import annotations

import asyncio
import threading

import pytest

from appliance.errors import IndexUnavailableError, NotFoundError
from tests.support.files import brainix
from tui.backstage import Backstage


@pytest.fixture
async def backstage(box):
    made = Backstage(box)
    yield made
    await made.close()


async def test_reads_do_not_wait_for_changes(backstage):
    go = threading.Event()
    change = asyncio.create_task(backstage.do(lambda box: go.wait(10)))
    assert await backstage.look(lambda box: box.storage.events.last()) == 0
    assert not change.done()
    go.set()
    assert await change


async def test_the_core_s_own_errors_come_through(backstage):
    with pytest.raises(NotFoundError):
        await backstage.do(lambda box: box.peers.remove("nobody"))
    with pytest.raises(ValueError, match="AE title"):
        await backstage.do(lambda box: box.peers.add("A", "", "host", 104))


async def test_what_nobody_expects_is_told_as_an_index_that_cannot_be_used(backstage):
    with pytest.raises(IndexUnavailableError, match="no such table"):
        await backstage.look(lambda box: box.storage._db.conn.execute("SELECT * FROM nowhere"))
    assert await backstage.look(lambda box: box.storage.events.last()) == 0


async def test_a_new_index_is_made_only_where_nothing_was_received(backstage, box, fill):
    assert await backstage.look(lambda box: box.storage.studies.search("", 1)) == []
    fill(brainix()[:1])
    box.close()
    for path in box.index_path.parent.iterdir():
        path.unlink()
    with pytest.raises(IndexUnavailableError, match="missing"):
        await backstage.look(lambda box: box.storage.studies.search("", 1))
    with pytest.raises(IndexUnavailableError, match="missing"):
        await backstage.do(lambda box: box.peers.all())
    assert not box.index_path.exists()
