"""The book of peers: what may stand in it, and its news."""

from __future__ import annotations

import pytest

from appliance import events
from appliance.box import Box
from appliance.errors import AlreadyExistsError, NotFoundError
from appliance.peers.checking import checked
from appliance.peers.faults import Fault, PeerError
from tests.support.programs import free_port


def test_peers_are_added_found_in_any_case_and_removed(box: Box) -> None:
    box.peers.add(" CLINIC-B ", " CB ", " pacs.clinic-b.example ", 104)
    peer = box.peers.get("clinic-b")
    assert (peer.name, peer.ae_title, peer.host, peer.port) == ("CLINIC-B", "CB", "pacs.clinic-b.example", 104)
    with pytest.raises(AlreadyExistsError, match="Clinic-B"):
        box.peers.add("Clinic-B", "CB", "10.0.0.7", 104)
    box.peers.remove("clinic-b")
    assert box.peers.all() == []
    for ask in (box.peers.get, box.peers.remove, box.echo):
        with pytest.raises(NotFoundError, match="CLINIC-B"):
            ask("CLINIC-B")


def test_each_change_is_news(box: Box) -> None:
    box.peers.add("B", "B", "127.0.0.1", 104)
    box.peers.remove("B")
    told = [event.detail["what"] for event in box.storage.events.since(0) if event.kind == events.PEER_CHANGED]
    assert told == ["added", "removed"]


@pytest.mark.parametrize(
    ("name", "ae_title", "host", "port", "what"),
    [
        ("", "AE", "host", 104, "name"),
        ("x" * 33, "AE", "host", 104, "name"),
        ("a/b", "AE", "host", 104, "name"),
        ("B", "", "host", 104, "AE title"),
        ("B", "SEVENTEEN_LETTERS", "host", 104, "AE title"),
        ("B", "BACK\\SLASH", "host", 104, "AE title"),
        ("B", "Ä", "host", 104, "AE title"),
        ("B", "AE", "", 104, "host"),
        ("B", "AE", "http://host", 104, "host"),
        ("B", "AE", "-rf", 104, "host"),
        ("B", "AE", "host", 0, "port"),
        ("B", "AE", "host", 65536, "port"),
    ],
)
def test_what_cannot_be_right_is_named(name: str, ae_title: str, host: str, port: int, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        checked(name, ae_title, host, port)


@pytest.mark.parametrize("host", ["10.0.0.7", "fd00::7", "pacs", "pacs.clinic-b.example", "pacs_1.local"])
def test_addresses_and_names_of_hosts_are_taken(host: str) -> None:
    assert checked("B", "AE TITLE", host, 11112).host == host


def test_an_echo_tells_what_is_wrong(box: Box) -> None:
    box.peers.add("B", "B", "127.0.0.1", free_port())
    with pytest.raises(PeerError, match="nothing listens on port") as caught:
        box.echo("b")
    assert caught.value.fault is Fault.NOT_LISTENING
