"""A box that answers C-FIND, C-GET and C-MOVE; dcmtk's programs and our own caller that ask it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset

from appliance import events
from appliance.box import Box
from appliance.config import load
from appliance.dicom.model import Origin
from appliance.dicom.repertoire import ANY
from appliance.dicom.write import writer
from appliance.dimse.client.association import comment, status
from appliance.dimse.client.conversation import Conversation
from appliance.dimse.client.ourselves import Ourselves
from appliance.dimse.client.pdu import Context
from appliance.dimse.identifier import Identifier, read
from appliance.storage.rows import Peer
from tests.support.ourselves import OURSELVES
from tests.support.programs import program
from tests.support.scu import EXPLICIT

STUDY_ROOT, PATIENT_ROOT, PATIENT_STUDY = "-S", "-P", "-O"
"""dcmtk's options for the information models."""
STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
MR = "1.2.840.10008.5.1.4.1.1.4"
BRAINIX = "2.16.840.1.113669.632.20.1211.10000357775"
KNEE = "2.16.840.1.113669.632.20.121711.10000160881"
"""The studies of `files.brainix` and `files.knee`."""


def open_box(folder: Path, **environment: str) -> Box:
    """A box in `folder`, whom everybody on the LAN may query."""
    settings = {
        "PACSBOX_DATA_DIR": str(folder),
        "PACSBOX_DICOM_BIND": "127.0.0.1",
        "PACSBOX_DICOM_PORT": "0",
        "PACSBOX_DICOM_TLS": "off",
        "PACSBOX_DICOM_STRANGERS_MAY": "echo,store,query,retrieve",
        **environment,
    }
    return Box(load(environment=settings)[0])


@contextmanager
def stocked(folder: Path, paths: Sequence[Path]) -> Iterator[Box]:
    """A box with these files, for as long as the block."""
    made = open_box(folder)
    take_in(made, paths)
    yield made
    made.close()


def take_in(box: Box, paths: Sequence[Path]) -> None:
    """Bring files into archive and index."""
    spool = box.spool("receiver")
    for path in paths:
        with path.open("rb") as file:
            spool.keep(file, Origin("C-STORE", "MODALITY", "PACSBOX", "127.0.0.1", events.now()))
    indexer = box.indexer()
    while indexer.drain_batch():
        pass


@contextmanager
def serving(box: Box, hot: bool | None = None) -> Iterator[int]:
    """The box's receiver listens for as long as the block; its port. Unless `hot`, answers are queued as with TLS."""
    receiver = box.receiver()
    if hot is not None:
        receiver._hot = hot
    try:
        yield receiver.start()
    finally:
        receiver.stop()


def findscu(port: int, folder: Path, *keys: str, model: str = STUDY_ROOT) -> list[Dataset]:
    """What dcmtk's findscu is answered, in the order of the answers."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("rsp*.dcm"):
        old.unlink()
    _run("findscu", port, model, "-X", *_keys(keys), cwd=folder)
    return [dcmread(path) for path in sorted(folder.glob("rsp*.dcm"))]


def getscu(port: int, folder: Path, *keys: str, model: str = STUDY_ROOT, options: Sequence[str] = ()) -> str:
    """Fetch by C-GET into `folder`; what getscu says of it."""
    folder.mkdir(parents=True, exist_ok=True)
    return _run("getscu", port, "-v", model, "-od", str(folder), *options, *_keys(keys), cwd=folder)


def movescu(port: int, destination: str, *keys: str, model: str = STUDY_ROOT) -> str:
    """Let the box send to `destination`; what movescu says of it."""
    return _run("movescu", port, "-d", model, "-aem", destination, *_keys(keys))


def _keys(keys: Sequence[str]) -> list[str]:
    return [part for key in keys for part in ("-k", key)]


def _run(name: str, port: int, *arguments: str, cwd: Path | None = None) -> str:
    command = [program(name), *arguments, "-aec", "PACSBOX", "127.0.0.1", str(port)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, timeout=120, check=False)
    return (done.stdout + done.stderr).decode("utf-8", "replace")


@dataclass(frozen=True)
class Asked:
    """What came back for one C-FIND."""

    statuses: list[int]
    comment: str
    answers: list[Identifier]


def ask(
    peer: Peer,
    keys: bytes,
    sop_class: str = STUDY_ROOT_FIND,
    cancel_after: int = 0,
    ourselves: Ourselves = OURSELVES,
    each: Callable[[Identifier], None] | None = None,
) -> Asked:
    """A C-FIND with these very bytes; answers go to `each`, if there is one, and are not kept."""
    statuses: list[int] = []
    answers: list[Identifier] = []
    with Conversation(peer, ourselves, [Context(sop_class, (EXPLICIT,))]) as association:
        context = association.accepted[sop_class, EXPLICIT]
        number = association.begin(context, 0x0020, {0x0002: sop_class, 0x0700: 0}, keys)
        while not statuses or statuses[-1] & 0xFF00 == 0xFF00:
            heard = association.hear_next()
            statuses.append(status(heard.command))
            if heard.data:
                (each or answers.append)(read(heard.data, EXPLICIT))
            if cancel_after and len(statuses) == cancel_after:
                association.cancel(context, number)
    return Asked(statuses, comment(heard.command), answers)


def keys(**said: str | dict[str, Any]) -> bytes:
    """Keys by keyword, encoded; a dictionary is a sequence of one item."""
    return writer(EXPLICIT).data_set(_values(said), ANY)


def _values(said: Mapping[str, Any]) -> dict[int, tuple[str, Any]]:
    tagged = {tag_for_keyword(keyword) or 0: value for keyword, value in said.items()}
    return {
        tag: (dictionary_VR(tag), [_values(value)] if isinstance(value, dict) else value)
        for tag, value in tagged.items()
    }
