"""Peers as callers: the index decides, and without it what it said last."""

from __future__ import annotations

import sqlite3
import time

import pytest

from appliance.access.rights import networks
from appliance.box import Box
from appliance.peers import known
from appliance.peers.known import KnownPeers


def names(peers: KnownPeers) -> list[str]:
    return [each.name for each in peers.callers()]


@pytest.fixture
def peers(box: Box) -> KnownPeers:
    return KnownPeers(box.index_path, box.access_dir / "peers.json")


def test_a_change_is_seen_at_the_next_look(box: Box, peers: KnownPeers) -> None:
    box.peers.add("A", "AE", "10.0.0.1", 104)
    peers.start()
    assert names(peers) == ["A"]
    assert not peers.refresh() or names(peers) == ["A"]
    box.peers.add("B", "BE", "10.0.0.2", 104, calls_from=("10.1.0.0/16",), rights=("query",), calls_us="STORE")
    assert peers.refresh()
    b = peers.callers()[1]
    assert (b.ae_title, b.rights, b.calls_us) == ("BE", ("query",), "STORE")
    assert b.networks == networks(["10.0.0.2", "10.1.0.0/16"])
    assert not peers.refresh()
    box.peers.remove("A")
    assert peers.refresh()
    assert names(peers) == ["B"]


@pytest.mark.parametrize("how", ["missing", "locked", "damaged"])
def test_without_the_index_what_it_said_last_counts_also_after_a_restart(box: Box, peers: KnownPeers, how: str) -> None:
    box.peers.add("A", "AE", "10.0.0.1", 104)
    peers.start()
    peers.refresh()
    box.peers.change("A", port=105)
    assert peers.refresh()
    box.close()
    locker = None
    if how == "locked":
        locker = sqlite3.connect(box.index_path, isolation_level=None)
        locker.execute("PRAGMA journal_mode=DELETE")
        locker.execute("BEGIN EXCLUSIVE")
    elif how == "missing":
        for path in box.index_path.parent.iterdir():
            path.unlink()
    else:
        box.index_path.write_bytes(b"no database" * 1000)
    try:
        peers.refresh()
        assert names(peers) == ["A"]
        later = KnownPeers(box.index_path, box.access_dir / "peers.json")
        later.start()
        assert names(later) == ["A"]
        if how == "missing":
            assert not box.index_path.exists(), "it makes no index of its own"
    finally:
        if locker:
            locker.close()


def test_names_are_looked_up_and_an_address_once_found_stays(
    box: Box, peers: KnownPeers, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.peers.add("A", "AE", "localhost", 104)
    peers.start()
    assert peers.refresh()
    assert networks(["127.0.0.1"])[0] in peers.callers()[0].networks

    def fail(*_: object) -> None:
        raise OSError("no name server")

    monkeypatch.setattr(known.socket, "getaddrinfo", fail)
    later = KnownPeers(box.index_path, box.access_dir / "peers.json")
    later.start()
    later.refresh()
    assert networks(["127.0.0.1"])[0] in later.callers()[0].networks


def test_a_commit_that_was_in_the_file_before_it_was_in_force_is_not_missed(
    box: Box, peers: KnownPeers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite writes a commit, flushes it, and only then lets readers see it."""
    just_now = time.time_ns()
    monkeypatch.setattr(known, "_state", lambda _: ((1, 2, just_now),))
    assert box.peers.all() == []
    peers.start()
    box.peers.add("A", "AE", "10.0.0.1", 104)
    assert peers.refresh()
    assert names(peers) == ["A"]
