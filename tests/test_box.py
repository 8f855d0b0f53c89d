"""A box that goes on while its configuration file is changed."""

from __future__ import annotations

from pathlib import Path

from appliance.box import Box
from appliance.config import load
from tests.support.files import brainix
from tests.support.querying import BRAINIX, findscu, movescu, serving, take_in
from tests.support.scp import acceptor, uids

STUDY = ("QueryRetrieveLevel=STUDY", f"StudyInstanceUID={BRAINIX}")


def titled(title: str, folder: Path) -> Path:
    """The configuration file of a box of this AE title, which takes every call."""
    file = folder / "pacsbox.toml"
    file.write_text(
        f'data_dir = "{folder / "box"}"\n[dicom]\nae_title = "{title}"\nbind = "127.0.0.1"\nport = 0\ntls = "off"\n'
        'check_called = false\nstrangers_may = ["query", "retrieve"]\n'
    )
    return file


def test_a_changed_title_is_answered_and_called_by_without_a_restart(tmp_path: Path) -> None:
    file = titled("OLD", tmp_path)
    box = Box(load(file)[0], file)
    take_in(box, brainix()[:1])
    with serving(box) as port, acceptor(calling=["NEW"]) as other:
        box.peers.add("OTHER", "ACCEPTOR", "127.0.0.1", other.peer.port)
        links = box.links
        (before,) = findscu(port, tmp_path / "answers", *STUDY, "RetrieveAETitle")
        movescu(port, "ACCEPTOR", *STUDY)
        assert (before.RetrieveAETitle, other.received) == ("OLD", [])
        titled("NEW", tmp_path)
        (after,) = findscu(port, tmp_path / "answers", *STUDY, "RetrieveAETitle")
        movescu(port, "ACCEPTOR", *STUDY)
        assert (after.RetrieveAETitle, other.received) == ("NEW", [uids(brainix()[0])[1]])
        links.verify(box.peers.get("OTHER"))
    box.close()
