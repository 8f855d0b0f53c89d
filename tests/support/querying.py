"""A box that answers C-FIND, C-GET and C-MOVE, and dcmtk's programs that ask it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset

from appliance import events
from appliance.box import Box
from appliance.config import load
from appliance.dicom.model import Origin
from tests.support.programs import program

STUDY_ROOT, PATIENT_ROOT, PATIENT_STUDY = "-S", "-P", "-O"
"""dcmtk's options for the information models."""


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
