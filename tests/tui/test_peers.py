"""Peers: adding with a form, asking whether they answer, forgetting."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.support.dicomweb import Answer, serving
from tests.support.programs import free_port, program
from tests.support.waiting import wait_for
from tui.screens.peer_new import fault
from tui.screens.peer_web import fault as web_fault
from tui.screens.peers import PeersScreen


@pytest.fixture
def remote() -> Iterator[int]:
    """A peer that answers: dcmtk's storescp; its port."""
    port = free_port()
    process = subprocess.Popen([program("storescp"), "--ignore", str(port)], stderr=subprocess.DEVNULL)
    echo = [program("echoscu"), "127.0.0.1", str(port)]
    wait_for(lambda: subprocess.run(echo, capture_output=True, check=False).returncode == 0)
    yield port
    process.terminate()
    process.wait()


async def test_a_peer_is_added(opened, box):
    async with opened() as console:
        await console.press("f4")
        await console.sees("The box knows nobody to send to yet. Press a to add a clinic.")
        await console.press("a")
        await console.sees("Add a peer")
        await console.fill_in("CLINIC-B", "CLINICB", "192.0.2.2", "104")
        await console.sees("> CLINIC-B", "CLINICB", "192.0.2.2:104")
        (peer,) = box.peers.all()
        assert (peer.name, peer.ae_title, peer.host, peer.port) == ("CLINIC-B", "CLINICB", "192.0.2.2", 104)


async def test_what_is_wrong_is_said_beside_the_field(opened, box):
    async with opened() as console:
        await console.press("f4", "a")
        await console.sees("Add a peer")
        await console.press("enter")
        await console.sees("Please fill this in.")
        assert console.text.count("Please fill this in.") == 1
        await console.fill_in("B", "AN AE TITLE THAT IS TOO LONG")
        await console.sees("An AE title is 1 to 16 plain ASCII characters")
        assert not box.peers.all()


async def test_a_name_that_is_taken_is_told(opened, box):
    box.peers.add("CLINIC-B", "B", "192.0.2.2", 104)
    async with opened() as console:
        await console.press("f4", "a")
        await console.sees("Add a peer")
        await console.fill_in("clinic-b", "B", "192.0.2.2", "104")
        await console.sees("There is a peer clinic-b already.")
        assert len(box.peers.all()) == 1


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "", "Please fill this in."),
        ("name", "a/b", "A peer's name is"),
        ("ae_title", "back\\slash", "An AE title is"),
        ("host", "no host", "Give a host name or an IP address"),
        ("port", "many", "A port is a number from 1 to 65535"),
        ("port", "70000", "A port is a number from 1 to 65535"),
        ("port", "104", ""),
    ],
)
def test_each_field_is_judged_by_itself(field, value, said):
    assert fault(field, value).startswith(said)
    assert bool(fault(field, value)) == bool(said)


async def test_a_peer_that_answers(opened, box, remote):
    box.peers.add("CLINIC-B", "ANY", "127.0.0.1", remote)
    async with opened() as console:
        await console.press("f4")
        await console.sees("> CLINIC-B")
        await console.press("e")
        await console.sees("CLINIC-B", "yes, ", " ms")


async def test_a_peer_that_does_not_answer_is_told_in_words(opened, box):
    box.peers.add("CLINIC-B", "ANY", "127.0.0.1", free_port())
    async with opened() as console:
        await console.press("f4")
        await console.sees("> CLINIC-B")
        await console.press("e")
        await console.sees("CLINIC-B", "no (", seconds=20)
        assert "Errno" not in console.text and "Traceback" not in console.text


async def test_forgetting_asks_first(opened, box):
    box.peers.add("CLINIC-B", "B", "192.0.2.2", 104)
    async with opened() as console:
        await console.press("f4")
        await console.sees("> CLINIC-B")
        await console.press("d")
        await console.sees("Forget CLINIC-B?")
        await console.press("escape", "d")
        await console.sees("Forget CLINIC-B?")
        await console.press("enter")
        await console.sees("The box knows nobody")
        assert isinstance(console.app.screen, PeersScreen)
        assert not box.peers.all()


async def test_a_dicomweb_server_is_added_and_asked(opened, box):
    with serving(lambda _: Answer(200, b"[]")) as server:
        async with opened() as console:
            await console.press("f4", "a")
            await console.sees("Add a peer")
            await console.press("f7")
            await console.sees("Add a DICOMweb server")
            await console.fill_in("CLINIC-B", server.url, "", "abc.def", "")
            await console.sees("> CLINIC-B", "DICOMweb", "http://127.0.0.1")
            assert "abc.def" not in console.text
            await console.sees("A DICOMweb server at http://127.0.0.1")
            await console.press("e")
            await console.sees("CLINIC-B", "yes, ", " ms")
        assert server.asked[-1].headers["Authorization"] == "Bearer abc.def"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "", "Please fill this in."),
        ("url", "", "Please fill this in."),
        ("url", "10.0.0.7", "A DICOMweb URL is written https://"),
        ("url", "https://a:b@c", "Leave the user and password out of the URL"),
        ("user", "a:b", "A user's name"),
        ("fingerprint", "12", "A fingerprint is"),
        ("secret", "", ""),
        ("user", "", ""),
    ],
)
def test_each_field_of_a_dicomweb_server_is_judged_by_itself(field, value, said):
    assert web_fault(field, value).startswith(said)
    assert bool(web_fault(field, value)) == bool(said)
