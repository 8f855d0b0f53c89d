"""`pacsbox peer`, as staff use it."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from appliance.box import Box
from appliance.errors import AlreadyExistsError, NotFoundError
from tests.cli.conftest import Pacsbox
from tests.support.programs import free_port
from tests.support.scp import acceptor, storescp


def test_a_peer_is_added_listed_and_removed(pacsbox: Pacsbox) -> None:
    assert "There are no peers yet" in pacsbox("peer", "list").stdout
    done = pacsbox("peer", "add", "CLINIC-B", "CB", "10.0.0.7")
    assert done.exit_code == 0
    assert done.stdout == ("CLINIC-B is added; it may do everything here.\nTry it: pacsbox peer test CLINIC-B\n")
    assert "pacsbox peer test 'Clinic C'" in pacsbox("peer", "add", "Clinic C", "CC", "pacs.c.example", "11112").stdout
    assert pacsbox("peer", "list").stdout.splitlines() == [
        "Clinic C  CC  pacs.c.example  11112  may do everything",
        "CLINIC-B  CB  10.0.0.7  104  may do everything",
    ]
    assert [peer["port"] for peer in orjson.loads(pacsbox("peer", "list", "--json").stdout)] == [11112, 104]
    assert pacsbox("peer", "remove", "clinic-b").stdout == "CLINIC-B is removed.\n"
    assert len(pacsbox("peer", "list").stdout.splitlines()) == 1


def test_what_cannot_be_right_is_refused(pacsbox: Pacsbox) -> None:
    pacsbox("peer", "add", "CLINIC-B", "CB", "10.0.0.7")
    with pytest.raises(AlreadyExistsError):
        pacsbox("peer", "add", "clinic-b", "CB", "10.0.0.7")
    with pytest.raises(ValueError, match="port"):
        pacsbox("peer", "add", "CLINIC-C", "CB", "10.0.0.7", "70000")
    with pytest.raises(NotFoundError):
        pacsbox("peer", "remove", "CLINIC-D")
    assert pacsbox("peer", "add", "CLINIC-C", "CB", "10.0.0.7", "dicom").exit_code == 2


def test_an_echo_that_is_answered(pacsbox: Pacsbox, tmp_path: Path) -> None:
    with storescp(tmp_path / "peer") as peer:
        pacsbox("peer", "add", "CLINIC-B", peer.ae_title, peer.host, str(peer.port))
        done = pacsbox("peer", "echo", "clinic-b")
    assert done.exit_code == 0
    assert done.stdout.startswith("CLINIC-B answers, in ")


def test_an_echo_that_is_not_answered_has_exit_status_1_and_says_why(pacsbox: Pacsbox) -> None:
    pacsbox("peer", "add", "CLINIC-B", "CB", "127.0.0.1", str(free_port()))
    done = pacsbox("peer", "echo", "CLINIC-B")
    assert done.exit_code == 1
    assert "nothing listens on port" in done.stderr
    with acceptor(calling=["SOMEONE"]) as scp:
        pacsbox("peer", "add", "CLINIC-C", "ACCEPTOR", "127.0.0.1", str(scp.peer.port))
        done = pacsbox("peer", "echo", "CLINIC-C")
    assert done.exit_code == 1
    assert done.stderr == "CLINIC-C did not accept our AE title PACSBOX: ask them to add it.\n"


def test_what_a_peer_may_do_is_said_and_changed(pacsbox: Pacsbox, box: Box) -> None:
    said = ("--may", "query,retrieve", "--may", "echo", "--from", "10.1.0.0/16", "--calls-us", "STORE", "--tls")
    assert "it may echo, query, retrieve here" in pacsbox("peer", "add", "B", "BAE", "10.0.0.7", *said).stdout
    peer = box.peers.get("B")
    assert (peer.calls_from, peer.calls_us, peer.tls, peer.port) == (("10.1.0.0/16",), "STORE", True, 104)
    assert pacsbox("peer", "list").stdout == "B  BAE  10.0.0.7  104  may echo, query, retrieve  by TLS\n"
    done = pacsbox("peer", "change", "b", "--may", "nothing", "--plain", "--calls-us", "", "--port", "11112")
    assert done.stdout == "B is changed; it may do nothing here.\n"
    peer = box.peers.get("B")
    assert (peer.rights, peer.calls_us, peer.tls, peer.port, peer.calls_from) == (
        (),
        "",
        False,
        11112,
        ("10.1.0.0/16",),
    )


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (("--may", "fly"), "'fly' is none of these"),
        (("--from", "somewhere"), "not 'somewhere'"),
        (("--fingerprint", "ab:cd"), "64 hexadecimal digits"),
        (("--character-set", "latin1"), "not 'LATIN1'"),
        (("--calls-us", "A TITLE THAT IS TOO LONG"), "an AE title is"),
    ],
)
def test_what_cannot_be_is_named(pacsbox: Pacsbox, box: Box, said: tuple[str, ...], fault: str) -> None:
    box.peers.add("B", "BAE", "10.0.0.7", 104)
    with pytest.raises(ValueError, match=fault):
        pacsbox("peer", "change", "B", *said)
