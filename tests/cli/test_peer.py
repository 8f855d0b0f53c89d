"""`pacsbox peer`, as staff use it."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from appliance.box import Box
from appliance.errors import AlreadyExistsError, NotFoundError
from tests.cli.conftest import Pacsbox
from tests.support.dicomweb import Answer, serving
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


def test_a_dicomweb_server_is_added_tested_changed_and_listed(pacsbox: Pacsbox, box: Box, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc.def\n")
    with serving(lambda _: Answer(200, b"[]")) as server:
        done = pacsbox("peer", "add", "WEB", "--url", server.url, "--token", str(tmp_path / "token"))
        assert done.stdout == "WEB is added.\nTry it: pacsbox peer test WEB\n", done.output
        assert pacsbox("peer", "test", "web").stdout.startswith("WEB answers, in ")
        assert server.asked[0].headers["Authorization"] == "Bearer abc.def"
    assert pacsbox("peer", "list").stdout == f"WEB  DICOMweb  {server.url}  asks for a token\n"
    assert "abc" not in pacsbox("peer", "list", "--json").stdout
    done = pacsbox("peer", "test", "WEB")
    assert (done.exit_code, "nothing listens on port" in done.stderr) == (1, True)
    (tmp_path / "password").write_text("secret")
    given = ("--user", "anna", "--password", str(tmp_path / "password"), "--url", "http://10.0.0.7/rs")
    done = pacsbox("peer", "change", "WEB", *given)
    assert done.stdout == "WEB is changed.\n"
    assert "goes over the network readable by others" in done.stderr
    peer = box.peers.get("WEB")
    assert (peer.user, box.peer_secrets.of(peer)) == ("anna", "secret")
    pacsbox("peer", "change", "WEB", "--token", "")
    assert pacsbox("peer", "list").stdout == "WEB  DICOMweb  http://10.0.0.7/rs  asks for nothing\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--url", "http://10.0.0.7", "--token", "abc.def"), "Give a file that holds the token"),
        (("--url", "http://10.0.0.7", "--token", "-", "--user", "anna"), "give one of them"),
        (("--url", "http://10.0.0.7", "--may", "store"), "does not call by DICOM"),
        (("AE", "10.0.0.7", "--url", "http://10.0.0.7"), "has no AE title"),
        (("AE", "10.0.0.7", "--user", "anna", "--password", "-"), "Without --url"),
        (("AE",), "AE_TITLE HOST [PORT], or --url"),
        ((), "AE_TITLE HOST [PORT], or --url"),
    ],
)
def test_what_does_not_fit_together_is_refused(pacsbox: Pacsbox, box: Box, words: tuple[str, ...], said: str) -> None:
    done = pacsbox("peer", "add", "WEB", *words)
    assert done.exit_code == 2
    assert said in " ".join(done.stderr.split())
    assert not box.peers.all()
