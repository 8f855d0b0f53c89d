"""Every DICOM file that we have is sent by C-STORE: it goes in, or is refused with a stated reason.

Prints a table of all of them.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from appliance.box import Box
from appliance.dicom import part10
from appliance.dicom.part10 import FileMeta
from appliance.dimse.server import Receiver
from appliance.errors import UnreadableInstanceError
from tests.support.files import PYDICOM, shared
from tests.support.receiving import instance
from tests.support.scu import Scu

_SOME_CLASS = "1.2.840.10008.5.1.4.1.1.7"
_REASONS = {3: "its SOP class is not one of storage", 4: "its transfer syntax is unknown"}


@dataclass
class Sent:
    """A file, and what became of it."""

    name: str
    digest: str = ""
    result: str = ""
    reason: str = ""


def files() -> Iterator[tuple[str, Path]]:
    """Every DICOM file of the shared data and of pydicom's package, by a name for the table."""
    for root in (shared(), PYDICOM / "test_files", PYDICOM / "charset_files"):
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            if path.suffix == ".dcm" or path.read_bytes()[128:132] == b"DICM":
                yield f"{root.name}/{path.relative_to(root)}", path


def content(path: Path) -> tuple[FileMeta, bytes]:
    """What a sender makes of a file: the UIDs are the data set's own, where it has any."""
    dataset = pydicom.dcmread(path, force=True, stop_before_pixels=True)
    with path.open("rb") as file:
        try:
            meta = part10.read(file)
        except UnreadableInstanceError:
            meta = FileMeta("", "", looks_like(dataset), None, 0)
            file.seek(132 if dataset.preamble else 0)
            part10._group2(file)
        data = file.read()
    own = (str(dataset.get(keyword) or "") for keyword in ("SOPClassUID", "SOPInstanceUID"))
    uids = [mine or headers for mine, headers in zip(own, (meta.sop_class_uid, meta.sop_instance_uid), strict=True)]
    return FileMeta(uids[0], uids[1], meta.transfer_syntax_uid, None, 0), data


def looks_like(dataset: pydicom.FileDataset) -> str:
    """The transfer syntax that pydicom found in a file without header."""
    implicit, little = dataset.original_encoding
    if not little:
        return str(ExplicitVRBigEndian)
    return str(ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian)


def send(port: int, name: str, path: Path) -> Sent:
    meta, data = content(path)
    sent = Sent(name, hashlib.sha256(data).hexdigest())
    with Scu(port).associate([(meta.sop_class_uid or _SOME_CLASS, [meta.transfer_syntax_uid])]) as scu:
        if scu.refused:
            sent.result, sent.reason = "refused", _REASONS[scu.refused[1]]
            return sent
        answer = scu.store(1, meta.sop_class_uid, meta.sop_instance_uid, data)
        sent.result = "stored" if answer.status == 0 else f"refused 0x{answer.status:04X}"
        sent.reason = answer.comment
    return sent


def place(box: Box, stored: list[Sent]) -> None:
    """Say of each stored one where it is: found by its bytes, nowhere is an error."""
    indexed = {digest(box.blobs.path(key)) for key in list(box.blobs.keys())}
    spool = box.spool("indexer")
    aside = {
        digest(item.entry.path): (kind, item.reason)
        for kind, folder in (("conflict", spool.conflicts), ("rejected", spool.rejected))
        for item in spool.set_aside(folder)
    }
    seen: set[str] = set()
    for sent in stored:
        if sent.digest in indexed:
            sent.result = "duplicate" if sent.digest in seen else "indexed"
            seen.add(sent.digest)
        else:
            sent.result, sent.reason = aside.get(sent.digest, ("LOST", "success was answered"))


def digest(path: Path) -> str:
    return hashlib.sha256(instance(path)[1]).hexdigest()


def table(rows: list[Sent]) -> str:
    width = max(len(row.name) for row in rows)
    counts = ", ".join(f"{count} {result}" for result, count in sorted(Counter(r.result for r in rows).items()))
    lines = [f"{row.name:<{width}}  {row.result:<14}  {row.reason}".rstrip() for row in rows]
    return "\n".join(["", *lines, f"{len(rows)} files: {counts}"])


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_every_file_goes_in_or_is_refused_with_a_reason(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    spool = box.spool("receiver")
    receiver = Receiver(box.config.dicom, spool)
    port = receiver.start()
    try:
        rows = [send(port, name, path) for name, path in files()]
    finally:
        receiver.stop()
    indexer = box.indexer()
    while indexer.drain_batch():
        pass
    stored = [row for row in rows if row.result == "stored"]
    place(box, stored)
    with capsys.disabled():
        print(table(rows))

    results = Counter(row.result for row in stored)
    assert not results["LOST"]
    assert sum(results.values()) == len(stored)
    assert box.storage.studies.count()[1] == results["indexed"] == len(list(box.blobs.keys()))
    assert len(spool.set_aside(spool.conflicts)) == results["conflict"]
    assert len(spool.set_aside(spool.rejected)) == results["rejected"]
    assert not spool.waiting()
    assert not spool.drafts()
    assert all(row.reason for row in rows if row.result not in ("indexed", "duplicate"))
    assert results["indexed"] > 200
