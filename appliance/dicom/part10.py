"""The Part 10 header: the one that we write, and what is read of others' (PS3.10 chapter 7)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO

import orjson

from appliance.dicom.model import Origin
from appliance.dicom.uid import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from appliance.errors import UnreadableInstanceError

_PREAMBLE = b"\0" * 128 + b"DICM"
_LENGTH = struct.Struct("<HH2sHI")
_SEAL = b',"data_size":"'
_SEAL_DIGITS = 16
_UNSEALED = _SEAL + b"0" * _SEAL_DIGITS + b'"}'
_LONGEST_AE = 16
"""Of an AE (PS3.5 6.2); a DICOMweb server has its name instead, which may be longer."""
_MAX_META = 1 << 20
"""No honest file meta information is longer; a length that says so is damage or malice."""
_LONG_VRS = (b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UC", b"UN", b"UR", b"UT", b"SV", b"UV")


@dataclass(frozen=True)
class FileMeta:
    """What the header says of the data set behind it."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    origin: Origin | None
    """Ours alone: set where we wrote the header."""
    length: int
    """Bytes before the data set: preamble, prefix and group 2."""
    data_size: int = 0
    """Bytes of the data set, where we wrote the header and sealed it; 0 where nobody said."""


def encode(sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str, origin: Origin) -> bytes:
    """The bytes before the data set, ours: who made the file, and where its content came from.

    Source and receiving AE are their own elements; how and when it came is Private Information
    (0002,0102), so that the archive alone can rebuild the index. Then `sealed` says how long the data set is.
    """
    group = b"".join(
        (
            _FIRST,
            _repeated(0x0002, b"UI", sop_class_uid),
            _short(0x0003, b"UI", sop_instance_uid),
            _repeated(0x0010, b"UI", transfer_syntax_uid),
            _WRITTEN_BY_US,
            _repeated(0x0016, b"AE", origin.source_ae[:_LONGEST_AE]) if origin.source_ae else b"",
            _repeated(0x0018, b"AE", origin.called_ae) if origin.called_ae else b"",
            _CREATED_BY_US,
            _long(0x0102, b"OB", orjson.dumps(origin)[:-1] + _UNSEALED),
        )
    )
    return _PREAMBLE + _LENGTH.pack(2, 0, b"UL", 4, len(group)) + group


def sealed(head: bytes, data_size: int) -> bytes:
    """The header `head`, from `encode`, saying how long its data set is: a file of another length isn't whole.

    A header that isn't ours stays as it is.
    """
    at = head.rfind(_SEAL) + len(_SEAL)
    if at < len(_SEAL):
        return head
    return b"%b%0*d%b" % (head[:at], _SEAL_DIGITS, data_size, head[at + _SEAL_DIGITS :])


def read(file: BinaryIO) -> FileMeta:
    """The header of a Part 10 file, leaving `file` at the first byte of the data set.

    Raises `UnreadableInstanceError` where there is none, or it is damaged.
    """
    start = file.read(132)
    if start[128:] != b"DICM":
        raise UnreadableInstanceError(
            "not a DICOM file: the prefix DICM is missing", "Check that it is a DICOM Part 10 file."
        )
    values = _group2(file)
    text = {tag: value.decode("ascii", "replace").rstrip("\0 ") for tag, value in values.items()}
    if not text.get(0x0010):
        raise UnreadableInstanceError("the file header does not name a transfer syntax (0002,0010)")
    origin, data_size = _information(text.get(0x0100, ""), values.get(0x0102, b""))
    return FileMeta(
        sop_class_uid=text.get(0x0002, ""),
        sop_instance_uid=text.get(0x0003, ""),
        transfer_syntax_uid=text[0x0010],
        origin=origin,
        data_size=data_size,
        length=file.tell(),
    )


def _group2(file: BinaryIO) -> dict[int, bytes]:
    """The elements of group 2, read one by one: the group length of others is often missing or wrong."""
    values: dict[int, bytes] = {}
    while True:
        position = file.tell()
        head = file.read(8)
        if len(head) < 8 or head[:2] != b"\2\0":
            file.seek(position)
            return values
        element, vr = struct.unpack("<H2s", head[2:6])
        length = struct.unpack("<H", head[6:8])[0]
        if vr in _LONG_VRS:
            length = struct.unpack("<I", file.read(4).ljust(4, b"\xff"))[0]
        elif not (vr.isalpha() and vr.isupper()):
            raise UnreadableInstanceError("the file header is not explicit little endian, as PS3.10 7.1 asks")
        if length > _MAX_META:
            raise UnreadableInstanceError(f"element (0002,{element:04x}) of the file header claims {length} bytes")
        value = file.read(length)
        if len(value) < length:
            raise UnreadableInstanceError("the file ends within its header")
        values[element] = value


def _information(creator: str, information: bytes) -> tuple[Origin | None, int]:
    if creator != IMPLEMENTATION_CLASS_UID:
        return None, 0
    try:
        fields = orjson.loads(information.rstrip(b"\0"))
        data_size = int(fields.pop("data_size", "0"))
        return Origin(**fields), data_size
    except (ValueError, TypeError, AttributeError):
        return None, 0


def _padded(value: bytes, pad: bytes) -> bytes:
    return value + pad * (len(value) % 2)


def _short(element: int, vr: bytes, text: str) -> bytes:
    value = _padded(text.encode("ascii", "replace"), b"\0" if vr == b"UI" else b" ")
    return struct.pack("<HH2sH", 2, element, vr, len(value)) + value


_repeated = lru_cache(maxsize=256)(_short)
"""The same for what many files have in common."""


def _long(element: int, vr: bytes, value: bytes) -> bytes:
    value = _padded(value, b"\0")
    return struct.pack("<HH2sHI", 2, element, vr, 0, len(value)) + value


_FIRST = _long(0x0001, b"OB", b"\0\1")
_WRITTEN_BY_US = _short(0x0012, b"UI", IMPLEMENTATION_CLASS_UID) + _short(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME)
_CREATED_BY_US = _short(0x0100, b"UI", IMPLEMENTATION_CLASS_UID)
