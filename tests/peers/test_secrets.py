"""Tokens and passwords of peers: in files of their own, and nowhere else."""

from __future__ import annotations

import stat

import pytest

from appliance.box import Box
from appliance.errors import AlreadyExistsError, NotFoundError
from appliance.peers import secrets

URL = "https://pacs.clinic-b.example/dicom-web"


def kept(box: Box) -> list[str]:
    folder = box.secrets_dir / "peers"
    return [path.read_text() for path in folder.iterdir()] if folder.exists() else []


def test_a_secret_is_in_a_file_that_the_service_alone_reads(box: Box) -> None:
    peer = box.peers.add_web("CLINIC-B", URL, secret=" abc.def\n")
    assert box.peer_secrets.of(peer) == "abc.def"
    (path,) = (box.secrets_dir / "peers").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert b"abc.def" not in box.index_path.read_bytes()
    assert "abc.def" not in repr(peer)


def test_a_peer_without_one_asks_for_nothing(box: Box) -> None:
    assert box.peer_secrets.of(box.peers.add_web("CLINIC-B", URL)) == ""


def test_another_takes_its_place(box: Box) -> None:
    box.peers.add_web("CLINIC-B", URL, secret="first")
    peer = box.peers.change("clinic-b", user="anna", secret="second")
    assert (box.peer_secrets.of(peer), peer.user, kept(box)) == ("second", "anna", ["second"])
    assert box.peers.change("clinic-b", url=f"{URL}/other").credential == peer.credential
    assert box.peers.change("clinic-b", secret="").credential == ""
    assert kept(box) == []


def test_it_goes_with_its_peer(box: Box) -> None:
    box.peers.add_web("CLINIC-B", URL, secret="abc")
    box.peers.remove("clinic-b")
    assert kept(box) == []
    assert box.peers.add_web("CLINIC-B", URL).credential == ""


def test_none_is_left_of_a_change_that_failed(box: Box) -> None:
    box.peers.add_web("CLINIC-B", URL, secret="abc")
    with pytest.raises(AlreadyExistsError):
        box.peers.add_web("clinic-b", URL, secret="other")
    with pytest.raises(ValueError, match="a user's name"):
        box.peers.change("CLINIC-B", user="a:b", secret="other")
    with pytest.raises(NotFoundError):
        box.peers.change("CLINIC-C", secret="other")
    assert kept(box) == ["abc"]


@pytest.mark.parametrize("wrong", ["", "  ", "two\nlines", "x" * 20000, "a\0b"])
def test_what_cannot_be_one_is_refused_and_not_quoted(wrong: str) -> None:
    with pytest.raises(ValueError, match="a token or password is one line") as raised:
        secrets.checked(wrong)
    assert not wrong.strip() or wrong not in str(raised.value)
