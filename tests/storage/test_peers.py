"""The promise of `contract.Peers`, for every backend."""

from __future__ import annotations

import pytest

from appliance.errors import AlreadyExistsError
from appliance.storage.contract import Storage
from appliance.storage.rows import Peer


def add(storage: Storage, *peers: Peer) -> None:
    with storage.transaction():
        for peer in peers:
            storage.peers.add(peer)


def test_a_peer_comes_back_as_it_was_with_the_time_of_its_adding(storage: Storage) -> None:
    add(storage, Peer("CLINIC-B", "CB_PACS", "10.0.0.7", 104))
    peer = storage.peers.get("CLINIC-B")
    assert peer is not None
    assert (peer.name, peer.ae_title, peer.host, peer.port) == ("CLINIC-B", "CB_PACS", "10.0.0.7", 104)
    assert peer.created.endswith("+00:00")


def test_names_are_found_and_taken_in_any_case(storage: Storage) -> None:
    add(storage, Peer("Clinic-B", "CB", "10.0.0.7", 104))
    found = storage.peers.get("CLINIC-b")
    assert found is not None
    assert found.name == "Clinic-B"
    with pytest.raises(AlreadyExistsError, match="clinic-b"):
        add(storage, Peer("clinic-b", "OTHER", "10.0.0.8", 105))
    assert len(storage.peers.all()) == 1


def test_all_come_by_name(storage: Storage) -> None:
    add(storage, *(Peer(name, "AE", "host", 104) for name in ("north", "East", "south")))
    assert [peer.name for peer in storage.peers.all()] == ["East", "north", "south"]


def test_a_removed_peer_is_gone_and_its_name_free(storage: Storage) -> None:
    add(storage, Peer("CLINIC-B", "CB", "10.0.0.7", 104))
    with storage.transaction():
        assert storage.peers.remove("clinic-B")
        assert not storage.peers.remove("CLINIC-B")
    assert storage.peers.get("CLINIC-B") is None
    add(storage, Peer("CLINIC-B", "CB", "10.0.0.9", 104))
