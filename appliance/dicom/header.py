"""What the index needs of an instance, read from its file without the pixels.

The lean reader (`elements`) does it in a fraction of a millisecond and takes what is certain; pydicom
(`tolerant`) judges the rest.
"""

from __future__ import annotations

import io
import mmap
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

import orjson
from blake3 import blake3

from appliance.dicom import charset, elements, inflate, part10, tolerant
from appliance.dicom.attributes import Level, stored_at
from appliance.dicom.charset import NOTHING, Given
from appliance.dicom.content import HERE, UIDS, Content
from appliance.dicom.kinds import Unsure
from appliance.dicom.model import Origin
from appliance.dicom.uid import is_valid
from appliance.errors import UnreadableInstanceError

T = TypeVar("T")

_DEFLATED = "1.2.840.10008.1.2.1.99"
_EXPLICIT = "1.2.840.10008.1.2.1"
_START = 1 << 17
"""Bytes in which nearly every header is, and which are hashed at a time: what fits the processor's caches."""
_MAX_HEADER = 1 << 23
"""Bytes that are kept of what is inflated."""
_LEVELS = tuple({a.column: a.tag for a in stored_at(level)} for level in (Level.STUDY, Level.SERIES, Level.INSTANCE))
_CHARACTER_SET, _AVAILABLE_SYNTAX, _PIXEL_DATA = 0x00080005, 0x00083002, 0x7FE00010


@dataclass(frozen=True)
class Header:
    """An instance's attributes by column name, its DICOM JSON and the digest of its bytes."""

    transfer_syntax_uid: str
    study: dict[str, str]
    series: dict[str, str]
    instance: dict[str, str]
    metadata: bytes
    """DICOM JSON of PS3.18 Annex F without bulk data; BulkDataURIs begin at `studies/`."""
    digest: str
    """BLAKE3 of the data set's bytes, hex."""
    size: int
    """Bytes of the file."""
    origin: Origin
    whole_size: int = 0
    """Bytes that the file had when it was received, as its own header says; 0 where that doesn't say."""
    doubt: str = ""
    """Why its text may be misread, in words; empty when all is well."""

    @property
    def uids(self) -> tuple[str, str, str]:
        """Study, series and SOP Instance UID."""
        return (
            self.study["study_instance_uid"],
            self.series["series_instance_uid"],
            self.instance["sop_instance_uid"],
        )


def read(path: Path, given: Callable[[str], Given] = lambda _: NOTHING) -> Header:
    """The header of the Part 10 file at `path`; `given` tells of a source's AE title what its character set is.

    Raises `UnreadableInstanceError` with the reason when it cannot be indexed: no DICOM file, no valid
    study, series or SOP Instance UID, damage before the pixel data.
    """
    with path.open("rb") as file:
        meta = part10.read(file)
        size = os.fstat(file.fileno()).st_size
        head = file.read(_START)
        whole = meta.length + len(head) == size
        digest = _digest(head, file, whole)
        content = _content(file, meta, head, whole, given(meta.origin.source_ae) if meta.origin else NOTHING)
        return _header(content, meta, digest, size)


def read_uids(path: Path) -> tuple[str, str, str, str]:
    """SOP class, SOP instance, study and series UID as the data set itself says; empty where absent."""
    with path.open("rb") as file:
        meta = part10.read(file)
        found = _uids(file, meta)
    sop_class, sop_instance, study, series = (found.get(tag, "") for tag in UIDS)
    return sop_class, sop_instance, study, series


def _uids(file: BinaryIO, meta: part10.FileMeta) -> dict[int, str]:
    if meta.transfer_syntax_uid == _DEFLATED:
        plain, whole = inflate.beginning(file, _START, check=False)
        try:
            return elements.read_uids(plain, 0, _EXPLICIT, whole)
        except Unsure:
            return tolerant.read_uids(_plain(plain, meta))
    head = file.read(_START)
    try:
        return _lean(elements.read_uids, file, meta, head, whole=len(head) < _START)
    except Unsure:
        return tolerant.read_uids(file)


def digest(path: Path) -> str:
    """The digest of the data set in the Part 10 file at `path`. Raises as `read` does."""
    with path.open("rb") as file:
        part10.read(file)
        return _digest(file.read(_START), file, whole=False)


def _digest(head: bytes, file: BinaryIO, whole: bool) -> str:
    """Of `head` and what follows it in `file`. With SHA-256, hashing a CT would cost more than all else together."""
    hashed = blake3(head)
    if not whole:
        buffer = bytearray(_START)
        view = memoryview(buffer)
        while size := file.readinto(buffer):  # type: ignore[attr-defined]
            hashed.update(view[:size])
    return hashed.hexdigest()


def _content(file: BinaryIO, meta: part10.FileMeta, head: bytes, whole: bool, given: Given) -> Content:
    if meta.transfer_syntax_uid == _DEFLATED:
        file.seek(meta.length)
        return _inflated(file, meta, given)
    try:
        return _lean(partial(elements.read, given=given), file, meta, head, whole)
    except Unsure:
        return tolerant.read(file, given)


def _lean(
    read: Callable[[elements.Data, int, str, bool], T], file: BinaryIO, meta: part10.FileMeta, head: bytes, whole: bool
) -> T:
    """What `read` finds in the first bytes, or in all: those are mapped, for a header may be of any length."""
    try:
        return read(head, 0, meta.transfer_syntax_uid, whole)
    except Unsure:
        if whole:
            raise
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return read(data, meta.length, meta.transfer_syntax_uid, True)


def _inflated(file: BinaryIO, meta: part10.FileMeta, given: Given) -> Content:
    plain, whole = inflate.beginning(file, _MAX_HEADER)
    try:
        return elements.read(plain, 0, _EXPLICIT, whole, given)
    except Unsure:
        if not whole:
            raise UnreadableInstanceError(f"its header is damaged, or longer than {_MAX_HEADER >> 20} MB") from None
        return tolerant.read(_plain(plain, meta), given)


def _plain(data: bytes, meta: part10.FileMeta) -> BinaryIO:
    """A file of an inflated data set: its header keeps saying "deflated", and pydicom would inflate again."""
    return io.BytesIO(part10.encode(meta.sop_class_uid, meta.sop_instance_uid, _EXPLICIT, Origin(via="")) + data)


def _header(content: Content, meta: part10.FileMeta, digest: str, size: int) -> Header:
    texts = content.texts
    study, series, instance = ({column: texts.get(tag, "") for column, tag in level.items()} for level in _LEVELS)
    instance["sop_class_uid"] = instance["sop_class_uid"] or meta.sop_class_uid
    instance["sop_instance_uid"] = instance["sop_instance_uid"] or meta.sop_instance_uid
    _check_uids(study, series, instance)
    root = (
        f"studies/{study['study_instance_uid']}/series/{series['series_instance_uid']}"
        f"/instances/{instance['sop_instance_uid']}/bulkdata/"
    )
    return Header(
        transfer_syntax_uid=meta.transfer_syntax_uid,
        study=study,
        series=series,
        instance=instance,
        metadata=_metadata(content, meta.transfer_syntax_uid).replace(HERE, root.encode("ascii")),
        digest=digest,
        size=size,
        origin=meta.origin or Origin(via="import"),
        doubt=charset.doubt(texts.values(), content.ascii_only),
        whole_size=meta.length + meta.data_size if meta.data_size else 0,
    )


def _check_uids(study: dict[str, str], series: dict[str, str], instance: dict[str, str]) -> None:
    for name, uid in (
        ("Study Instance UID", study["study_instance_uid"]),
        ("Series Instance UID", series["series_instance_uid"]),
        ("SOP Instance UID", instance["sop_instance_uid"]),
        ("SOP Class UID", instance["sop_class_uid"]),
    ):
        if not is_valid(uid):
            raise UnreadableInstanceError(f"its {name} is {'not valid' if uid else 'missing'}")


def _metadata(content: Content, transfer_syntax_uid: str) -> bytes:
    # (0008,0005) tells of the JSON's own text, and that is UTF-8 (PS3.18 F.1.2).
    ours = {_CHARACTER_SET: b'"00080005":{"Value":["ISO_IR 192"],"vr":"CS"}'}
    # Viewers decide by it whether they ask for frames or for video (OHIF#4257).
    ours[_AVAILABLE_SYNTAX] = b'"00083002":{"Value":[%b],"vr":"UI"}' % orjson.dumps(transfer_syntax_uid)
    if content.pixel_vr:
        vr = orjson.dumps(content.pixel_vr)
        ours[_PIXEL_DATA] = b'"7FE00010":{"BulkDataURI":"%b7FE00010","vr":%b}' % (HERE, vr)
    members = content.members | ours
    return b"{%b}" % b",".join([members[tag] for tag in sorted(members)])
