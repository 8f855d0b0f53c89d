"""Snapshots hold all that the archive can't rebuild, and never less because of a kill."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.archive import snapshots as taking
from appliance.archive.snapshots import KEPT, keep_snapshots
from appliance.box import Box
from appliance.config import Config
from appliance.storage.sqlite.store import SqliteStorage
from tests.conftest import Fill
from tests.support.files import knee
from tests.support.waiting import wait_for


def study_of(box: Box) -> str:
    return box.storage.studies.search("", 1)[0].study_instance_uid


@pytest.fixture
def filled(box: Box, fill: Fill) -> Box:
    """A box with a study, a share that has seen wrong PINs, one that is revoked, a peer, a token, a transfer."""
    fill(knee()[:3])
    box.peers.add("CLINIC-B", "CB", "127.0.0.1", 104)
    running = box.sharing.create(study_of(box)).share
    ended = box.sharing.create(study_of(box)).share
    box.sharing.revoke(ended.id)
    with box.storage.transaction():
        assert box.storage.shares.take_attempt(running.id, 10)
        box.storage.shares.log(running.id, "127.0.0.1", "wrong pin")
        box.storage.transfers.add(study_of(box), "CLINIC-B")
    return box


def test_it_is_an_index_without_studies(filled: Box, tmp_path: Path) -> None:
    taken = filled.snapshots.take(filled.storage)
    copy = SqliteStorage(taken.path)
    assert copy.check() == []
    assert copy.studies.count() == (0, 0)
    assert copy.shares.all() == filled.storage.shares.all()
    assert copy.shares.openings(1) == filled.storage.shares.openings(1)
    assert copy.peers.all() == filled.storage.peers.all()
    assert copy.transfers.all() == filled.storage.transfers.all()
    assert copy.events.since(0) == filled.storage.events.since(0)
    copy.close()


def test_every_table_is_in_it_or_is_rebuilt(filled: Box) -> None:
    taken = filled.snapshots.take(filled.storage)
    listing = "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name"
    schemas = []
    for path in (filled.index_path, taken.path):
        connection = sqlite3.connect(path)
        schemas.append(connection.execute(listing).fetchall())
        connection.close()
    assert schemas[0] == schemas[1]


def test_numbers_of_the_time_after_it_are_not_given_again(filled: Box) -> None:
    taken = filled.snapshots.take(filled.storage)
    after = filled.sharing.create(study_of(filled)).share
    copy = SqliteStorage(taken.path)
    with copy.transaction():
        assert copy.shares.add("1.2.3", "code", "", after.expires).id > after.id + 1000
        copy.events.add("share.changed")
    assert copy.events.last() > filled.storage.events.last() + 1000
    copy.close()


def test_the_last_ones_are_kept(filled: Box) -> None:
    taken = [filled.snapshots.take(filled.storage) for _ in range(KEPT + 2)]
    assert filled.snapshots.all() == taken[: -KEPT - 1 : -1]


def test_one_that_fails_its_check_leaves_the_others(filled: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    first = filled.snapshots.take(filled.storage)
    connection = sqlite3.connect(filled.index_path)
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.execute("INSERT INTO opening (share_id, at, address, what, detail) VALUES (99, '', '', '', '')")
    connection.commit()
    connection.close()
    with pytest.raises(taking.IndexUnavailableError, match="refers to none of share"):
        filled.snapshots.take(filled.storage)
    assert filled.snapshots.all() == [first]


def test_they_are_taken_by_the_hour(filled: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "EVERY", timedelta(milliseconds=50))
    stop = threading.Event()
    chore = threading.Thread(target=keep_snapshots, args=(filled.snapshots, filled.own_storage, stop))
    chore.start()
    wait_for(lambda: (filled.snapshots.all() or [None])[0] and filled.snapshots.all()[0].number >= 4, 20)
    stop.set()
    chore.join(20)
    assert len(filled.snapshots.all()) == KEPT


def test_a_fresh_one_is_not_taken_again_at_the_next_start(filled: Box) -> None:
    taken = filled.snapshots.take(filled.storage)
    stop = threading.Event()
    chore = threading.Thread(target=keep_snapshots, args=(filled.snapshots, filled.own_storage, stop))
    chore.start()
    chore.join(0.3)
    assert chore.is_alive()
    stop.set()
    chore.join(20)
    assert filled.snapshots.all() == [taken]


def test_kill_9_while_one_is_taken_leaves_sound_ones(filled: Box, config: Config) -> None:
    filled.snapshots.take(filled.storage)
    shares = filled.storage.shares.all()
    filled.close()
    chance = random.Random(3)
    for _ in range(12):
        pid = os.fork()
        if pid == 0:
            box = Box(config)
            while True:
                box.snapshots.take(box.storage)
        threading.Event().wait(chance.uniform(0.005, 0.12))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        kept = filled.snapshots.all()
        assert kept
        for snapshot in kept:
            copy = SqliteStorage(snapshot.path)
            assert (copy.check(), copy.shares.all()) == ([], shares)
            copy.close()
