"""What the index needs of an instance, read from its file without the pixels."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import orjson
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import BytesLengthException
from pydicom.filereader import read_partial
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag
from pydicom.uid import DeflatedExplicitVRLittleEndian

from appliance.dicom import json, part10
from appliance.dicom.attributes import Attribute, Level, stored_at
from appliance.dicom.model import Origin
from appliance.dicom.uid import is_valid
from appliance.errors import UnreadableInstanceError

_DEFER = "16 KB"
_PIXEL_GROUP = 0x7FE00007
_PIXELS = {0x7FE00008: "OF", 0x7FE00009: "OD", 0x7FE00010: "OW"}
_CHUNK = 1 << 20
_MAX_INFLATED = 1 << 28
"""A deflated data set may not grow beyond this: it is a bomb, not an image."""
_MAX_START = 1 << 24
"""Inflated bytes in which the UIDs of an honest data set are."""
_MAX_TEXT = 1024
"""Longer than any VR that we index allows; what is longer is cut, the file keeps it."""


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
    """SHA-256 of the data set's bytes."""
    size: int
    """Bytes of the file."""
    origin: Origin

    @property
    def uids(self) -> tuple[str, str, str]:
        """Study, series and SOP Instance UID."""
        return (
            self.study["study_instance_uid"],
            self.series["series_instance_uid"],
            self.instance["sop_instance_uid"],
        )


def read(path: Path) -> Header:
    """The header of the Part 10 file at `path`.

    Raises `UnreadableInstanceError` with the reason when it cannot be indexed: no DICOM file, no valid
    study, series or SOP Instance UID, damage before the pixel data.
    """
    with path.open("rb") as file:
        meta = part10.read(file)
        digest = _digest(file)
        file.seek(0)
        dataset, pixel_vr = _dataset(file, meta)
        return _header(dataset, pixel_vr, meta, digest, path.stat().st_size)


def read_uids(path: Path) -> tuple[str, str, str, str]:
    """SOP class, SOP instance, study and series UID as the data set itself says; empty where absent."""
    with path.open("rb") as file:
        meta = part10.read(file)
        file.seek(0)
        dataset, _ = _dataset(file, meta, last=0x0020000E)
    keywords = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
    with _damage():
        sop_class, sop_instance, study, series = (_text(dataset, keyword) for keyword in keywords)
    return sop_class, sop_instance, study, series


def _digest(file: BinaryIO) -> str:
    sha = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        sha.update(chunk)
    return sha.hexdigest()


def _dataset(file: BinaryIO, meta: part10.FileMeta, last: int = _PIXEL_GROUP) -> tuple[FileDataset, str]:
    """The elements up to tag `last`, and the VR of the pixel data if that comes next."""
    pixel_vr = ""

    def stop(tag: BaseTag, vr: str | None, _length: int) -> bool:
        nonlocal pixel_vr
        if tag <= last:
            return False
        pixel_vr = (vr or _PIXELS[tag]) if tag in _PIXELS else ""
        return True

    with _damage():
        if meta.transfer_syntax_uid == DeflatedExplicitVRLittleEndian:
            file = _inflated(file, meta.length, whole=last >= _PIXEL_GROUP)
        dataset = read_partial(file, stop_when=stop, defer_size=_DEFER, force=True)
    return dataset, pixel_vr


@contextmanager
def _damage() -> Iterator[None]:
    """What pydicom raises on damaged data, found by damaging all of the test files."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (
        ValueError,
        TypeError,
        LookupError,
        OSError,
        EOFError,
        RuntimeError,
        AssertionError,
        AttributeError,
        ArithmeticError,
        BytesLengthException,
        struct.error,
    ) as fault:
        raise UnreadableInstanceError(f"the data set is damaged before its pixel data: {fault}") from fault


def _inflated(file: BinaryIO, length: int, whole: bool) -> BinaryIO:
    """The file with its data set inflated (PS3.5 A.5), bounded; unless `whole`, the start will do.

    The header keeps saying "deflated" and pydicom would inflate again, so it is written anew.
    """
    file.seek(0)
    meta = part10.read(file)
    unpack = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = unpack.decompress(file.read(-1 if whole else _MAX_START), _MAX_INFLATED if whole else _MAX_START)
    except zlib.error as fault:
        raise UnreadableInstanceError(f"the deflated data set is damaged: {fault}") from fault
    if whole and unpack.unconsumed_tail:
        raise UnreadableInstanceError("the deflated data set grows beyond 256 MB")
    explicit = "1.2.840.10008.1.2.1"
    head = part10.encode(meta.sop_class_uid, meta.sop_instance_uid, explicit, Origin(via=""))
    return io.BytesIO(head + plain)


def _header(dataset: FileDataset, pixel_vr: str, meta: part10.FileMeta, digest: str, size: int) -> Header:
    with _damage():
        study, series, instance = (
            {a.column: _value(dataset, a) for a in stored_at(level)}
            for level in (Level.STUDY, Level.SERIES, Level.INSTANCE)
        )
        instance["sop_class_uid"] = instance["sop_class_uid"] or meta.sop_class_uid
        instance["sop_instance_uid"] = instance["sop_instance_uid"] or meta.sop_instance_uid
        _check_uids(study, series, instance)
        metadata = _metadata(dataset, pixel_vr, meta.transfer_syntax_uid)
    return Header(
        transfer_syntax_uid=meta.transfer_syntax_uid,
        study=study,
        series=series,
        instance=instance,
        metadata=metadata,
        digest=digest,
        size=size,
        origin=meta.origin or Origin(via="import"),
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


def _metadata(dataset: FileDataset, pixel_vr: str, transfer_syntax_uid: str) -> bytes:
    study, series, instance = (
        _text(dataset, keyword) for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    )
    root = f"studies/{study}/series/{series}/instances/{instance}/bulkdata/"
    model = json.encode(dataset, lambda path: root + path)
    # (0008,0005) tells of the JSON's own text, and that is UTF-8 (PS3.18 F.1.2).
    model["00080005"] = {"vr": "CS", "Value": ["ISO_IR 192"]}
    # Viewers decide by it whether they ask for frames or for video (OHIF#4257).
    model["00083002"] = {"vr": "UI", "Value": [transfer_syntax_uid]}
    if pixel_vr:
        model["7FE00010"] = json.bulk(pixel_vr, root + "7FE00010")
    return orjson.dumps(model, option=orjson.OPT_SORT_KEYS)


def _value(dataset: Dataset, attribute: Attribute) -> str:
    """The value as the index keeps it: text, several values joined by a backslash, malformed ones empty."""
    text = _text(dataset, attribute.keyword)[:_MAX_TEXT]
    if attribute.vr == "DA":
        return text if len(text) == 8 and text.isdigit() else _old_date(text)
    if attribute.vr in ("IS", "US"):
        return text if text.lstrip("+-").isdigit() else ""
    return text


def _old_date(text: str) -> str:
    """`1997.04.24` of ACR-NEMA days as `19970424` (PS3.5 6.2, note to DA)."""
    digits = text.replace(".", "")
    return digits if len(text) == 10 and len(digits) == 8 and digits.isdigit() else ""


def _text(dataset: Dataset, keyword: str) -> str:
    try:
        value = dataset.get(keyword)
    except json.UNDECODABLE:
        return ""
    if value is None:
        return ""
    if isinstance(value, (MultiValue, list, tuple)):
        return "\\".join(str(v) for v in value)
    return str(value).strip(" \0").replace("\0", "")
