"""A missing or damaged index is made anew from the last snapshot and the archive, and what is lost is told."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from appliance.archive import rebuild as rebuilding
from appliance.archive.reindex import Report
from appliance.box import Box
from appliance.cli.archive import rebuild
from appliance.cli.context import Context
from appliance.errors import IndexDamagedError, IndexUnavailableError
from appliance.health import index as check
from appliance.health.finding import Severity
from tests.conftest import Fill
from tests.support.files import brainix, knee
from tests.support.waiting import wait_for


@pytest.fixture
def filled(box: Box, fill: Fill) -> Box:
    """A box with a study, a share and a peer, a snapshot of them, and a share and a study that came after it."""
    fill(knee()[:3])
    box.sharing.create(box.storage.studies.search("", 1)[0].study_instance_uid)
    box.peers.add("CLINIC-B", "CB", "127.0.0.1", 104)
    box.snapshots.take(box.storage)
    box.sharing.create(box.storage.studies.search("", 1)[0].study_instance_uid)
    fill(brainix()[:2])
    return box


def damage(box: Box) -> None:
    box.close()
    box.index_path.write_bytes(b"garbage" * 10_000)


def lose(box: Box) -> None:
    box.close()
    for path in box.index_path.parent.iterdir():
        path.unlink()


def empty(box: Box) -> None:
    box.close()
    box.index_path.write_bytes(b"")


@pytest.mark.parametrize("harm", [damage, lose, empty])
def test_all_comes_back_but_what_came_after_the_snapshot(filled: Box, harm: object) -> None:
    harm(filled)  # type: ignore[operator]
    with pytest.raises(IndexUnavailableError, match=r"damaged|missing, though"):
        assert filled.storage
    report = filled.rebuild.run()
    assert (report.studies, report.instances, report.made_anew) == (2, 5, True)
    assert report.restored == filled.snapshots.all()[0].taken
    assert filled.storage.studies.count() == (2, 5)
    assert len(filled.storage.shares.all()) == 1
    assert [peer.name for peer in filled.peers.all()] == ["CLINIC-B"]
    assert not filled.rebuild.is_due


def test_the_damaged_file_is_put_aside(filled: Box) -> None:
    damage(filled)
    filled.rebuild.run()
    (aside,) = filled.index_path.parent.glob("damaged-*")
    assert (aside / filled.index_path.name).read_bytes().startswith(b"garbage")


def test_a_damaged_snapshot_is_passed_over(filled: Box) -> None:
    first = filled.snapshots.all()[0]
    filled.snapshots.take(filled.storage).path.write_bytes(b"garbage" * 1000)
    lose(filled)
    assert filled.rebuild.run().restored == first.taken
    assert len(filled.storage.shares.all()) == 1


def test_without_a_snapshot_that_is_told_and_numbers_are_not_given_again(filled: Box) -> None:
    given = [share.id for share in filled.storage.shares.all()]
    filled.snapshots.all()[0].path.unlink()
    lose(filled)
    report = filled.rebuild.run()
    assert (report.made_anew, report.restored) == (True, None)
    assert filled.storage.studies.count() == (2, 5)
    new = filled.sharing.create(filled.storage.studies.search("", 1)[0].study_instance_uid).share
    assert new.id > max(given) + 1000


def test_one_that_was_killed_on_the_way_is_gone_on_with(filled: Box) -> None:
    lose(filled)

    def killed(report: Report) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        filled.rebuild.run(killed)
    assert filled.storage.studies.count()[0] == 1
    assert filled.rebuild.is_due
    filled.rebuild.run()
    assert filled.storage.studies.count() == (2, 5)
    assert not filled.rebuild.is_due


def test_a_locked_index_is_not_taken_for_a_damaged_one(filled: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.storage.sqlite.connection.BUSY_SECONDS", 0.1)
    filled.close()
    holder = sqlite3.connect(filled.index_path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(IndexUnavailableError, match="locked") as fault:
        filled.rebuild.run()
    assert not isinstance(fault.value, IndexDamagedError)
    holder.execute("ROLLBACK")
    holder.close()
    assert filled.rebuild.run().made_anew is False
    assert len(filled.storage.shares.all()) == 2


def test_an_empty_archive_gets_an_empty_index(box: Box) -> None:
    lose(box)
    assert not rebuilding.is_lost(box.index_path, box.blobs)
    assert box.storage.studies.count() == (0, 0)


def test_the_command_says_what_came_back(filled: Box) -> None:
    damage(filled)
    context = Context(None)
    context.__dict__["box"] = filled
    told = CliRunner().invoke(rebuild, [], obj=context, catch_exceptions=False).output
    assert "2 studies with 5 images are in the index." in told
    assert f"are as of {filled.snapshots.all()[0].taken:%Y-%m-%d %H:%M} UTC" in told


def test_doctor_tells_of_the_last_snapshot(filled: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = filled.snapshots.all()[0].taken
    (sound,) = check.check(filled)
    assert f"last snapshot: {taken:%Y-%m-%d %H:%M} UTC" in sound.says
    filled.snapshots.all()[0].path.rename(
        filled.snapshots.folder / f"000009-{datetime.now(UTC) - timedelta(hours=5):%Y%m%dT%H%M%SZ}.sqlite3"
    )
    assert [finding.severity for finding in check.check(filled)] == [Severity.OK, Severity.PROBLEM]
    lose(filled)
    (missing,) = check.check(filled)
    assert "missing, though the archive holds images" in missing.says


def test_the_indexer_ends_when_asked_though_it_rebuilds_and_goes_on_at_the_next_start(filled: Box) -> None:
    lose(filled)
    stop = threading.Event()
    reindexed = filled.rebuild.run

    class Slow:
        is_due = True

        def run(self, progress: Callable[[Report], None]) -> Report:
            stop.set()
            return reindexed(progress)

    indexer = filled.indexer()
    indexer._rebuild = Slow()  # type: ignore[assignment]
    indexer.run(stop)
    assert filled.rebuild.is_due
    assert filled.storage.studies.count()[0] == 1
    again = threading.Event()
    thread = threading.Thread(target=filled.indexer().run, args=(again,))
    thread.start()
    wait_for(lambda: not filled.rebuild.is_due, 20)
    again.set()
    thread.join(20)
    assert filled.storage.studies.count() == (2, 5)
