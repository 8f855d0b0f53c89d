"""`pacsbox tls`, as staff use it."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path

import orjson
import pytest

from appliance.box import Box
from appliance.errors import NotFoundError
from appliance.tls import certificates
from tests.cli.conftest import Pacsbox


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """Somebody's key and certificate in one file."""
    path = tmp_path / "theirs.pem"
    path.write_bytes(certificates.made("CLINIC-B"))
    return path


def test_our_certificate_is_made_shown_and_renewed(pacsbox: Pacsbox, box: Box) -> None:
    assert "none yet: it is made when the receiver starts" in pacsbox("tls", "show").stdout
    with pytest.raises(NotFoundError):
        pacsbox("tls", "show", "--pem")
    pacsbox("tls", "renew")
    first = box.identity.own()
    told = pacsbox("tls", "show").stdout
    assert "CN=PACSBOX" in told and first.shown in told
    pem = pacsbox("tls", "show", "--pem").stdout
    assert certificates.read(pem.encode())[0].fingerprint == first.fingerprint
    assert "PRIVATE KEY" not in pem
    pacsbox("tls", "renew")
    assert box.identity.own().fingerprint != first.fingerprint


def test_a_peers_certificate_is_imported_pinned_and_given_up(pacsbox: Pacsbox, box: Box, theirs: Path) -> None:
    with pytest.raises(NotFoundError):
        pacsbox("tls", "import", str(theirs), "--peer", "CLINIC-B")
    assert box.identity.trusted() == []
    box.peers.add("CLINIC-B", "CB", "10.0.0.7", 104)
    told = pacsbox("tls", "import", str(theirs), "--peer", "clinic-b").stdout
    assert "CLINIC-B is known by this certificate alone" in told
    (trusted,) = box.identity.trusted()
    assert box.peers.get("CLINIC-B").fingerprint == trusted.fingerprint
    assert "CN=CLINIC-B, CLINIC-B" in pacsbox("tls", "show").stdout
    rows = orjson.loads(pacsbox("tls", "show", "--json").stdout)
    assert [row["fingerprint"] for row in rows["trusted"]] == [trusted.fingerprint]
    pacsbox("tls", "distrust", trusted.shown[:20])
    assert box.identity.trusted() == []


def test_one_of_our_own_ca_is_imported_with_its_key(pacsbox: Pacsbox, box: Box, theirs: Path) -> None:
    pacsbox("tls", "import", str(theirs), "--key", str(theirs))
    assert box.identity.own().subject == "CN=CLINIC-B"
    assert box.identity.trusted() == []


def test_a_peer_is_pinned_to_what_it_shows_if_its_staff_read_out_the_same(
    pacsbox: Pacsbox, box: Box, theirs: Path
) -> None:
    shown = certificates.read(theirs.read_bytes())[0]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(theirs)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        box.peers.add("CLINIC-B", "CB", "127.0.0.1", listening.getsockname()[1])

        def pins(*arguments: str, answer: str = "") -> tuple[int, str]:
            answering = threading.Thread(target=lambda: _shake_hands(context, listening))
            answering.start()
            done = pacsbox("tls", "pin", "clinic-b", *arguments, typed=answer)
            answering.join()
            return done.exit_code, done.output

        assert pins("--fingerprint", "ab" * 32)[0] == 1
        assert pins(answer="n\n")[0] == 1
        assert box.peers.get("CLINIC-B").fingerprint == ""
        code, told = pins(answer="y\n")
        assert (code, shown.shown in told) == (0, True)
        assert box.peers.get("CLINIC-B").fingerprint == shown.fingerprint
        assert box.identity.trusts(shown.fingerprint)
        assert pins("--fingerprint", shown.shown)[0] == 0


def _shake_hands(context: ssl.SSLContext, listening: socket.socket) -> None:
    with suppress(OSError):
        connection, _ = listening.accept()
        context.wrap_socket(connection, server_side=True).close()
