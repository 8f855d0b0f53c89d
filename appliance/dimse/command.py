"""The command set of a DIMSE message: group 0000 in Implicit VR Little Endian (PS3.7 6.3.1, annex E)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from appliance.dicom.uid import is_valid

C_STORE_RQ = 0x0001
C_STORE_RSP = 0x8001
NO_DATA_SET = 0x0101

_AFFECTED_SOP_CLASS_UID = 0x0002
_COMMAND_FIELD = 0x0100
_MESSAGE_ID = 0x0110
_MESSAGE_ID_BEING_RESPONDED_TO = 0x0120
_COMMAND_DATA_SET_TYPE = 0x0800
_STATUS = 0x0900
_ERROR_COMMENT = 0x0902
_AFFECTED_SOP_INSTANCE_UID = 0x1000
_HEAD = struct.Struct("<HHI")
_NUMBER = struct.Struct("<HHIH")
_MAX_COMMENT = 64
"""An Error Comment (0000,0902) is an LO."""


@dataclass(frozen=True)
class Command:
    """What we use of it; foreign input, so the UIDs may be any text, empty too."""

    field: int
    """Which message it is, e.g. `C_STORE_RQ`."""
    message_id: int
    sop_class_uid: str
    sop_instance_uid: str
    has_data_set: bool


def decode(data: bytes) -> Command:
    """Read an encoded command set. Raises ValueError when it is none, or without what every request has."""
    elements = _elements(data)
    return Command(
        field=_number(elements, _COMMAND_FIELD),
        message_id=_number(elements, _MESSAGE_ID) if _MESSAGE_ID in elements else 0,
        sop_class_uid=_text(elements, _AFFECTED_SOP_CLASS_UID),
        sop_instance_uid=_text(elements, _AFFECTED_SOP_INSTANCE_UID),
        has_data_set=_number(elements, _COMMAND_DATA_SET_TYPE) != NO_DATA_SET,
    )


def store_response(asked: Command, status: int, comment: str = "") -> bytes:
    """The command set of the C-STORE-RSP to `asked` (PS3.7 9.3.1.2).

    Both UIDs are optional in a response (table 9.1-1): what is no UID is not sent back.
    """
    body = b"".join(
        (
            _uid(_AFFECTED_SOP_CLASS_UID, asked.sop_class_uid),
            _NUMBER.pack(0, _COMMAND_FIELD, 2, C_STORE_RSP),
            _NUMBER.pack(0, _MESSAGE_ID_BEING_RESPONDED_TO, 2, asked.message_id),
            _NUMBER.pack(0, _COMMAND_DATA_SET_TYPE, 2, NO_DATA_SET),
            _NUMBER.pack(0, _STATUS, 2, status),
            _padded(_ERROR_COMMENT, comment[:_MAX_COMMENT].encode("ascii", "replace"), b" ") if comment else b"",
            _uid(_AFFECTED_SOP_INSTANCE_UID, asked.sop_instance_uid),
        )
    )
    return _HEAD.pack(0, 0, 4) + len(body).to_bytes(4, "little") + body


def _uid(element: int, uid: str) -> bytes:
    return _padded(element, uid.encode("ascii"), b"\0") if is_valid(uid) else b""


def _padded(element: int, value: bytes, pad: bytes) -> bytes:
    value += pad * (len(value) % 2)
    return _HEAD.pack(0, element, len(value)) + value


def _elements(data: bytes) -> dict[int, bytes]:
    found = {}
    at, end = 0, len(data)
    while at < end:
        if end - at < _HEAD.size:
            raise ValueError("the command set ends within an element")
        group, element, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        if group or length > end - at:
            raise ValueError(f"({group:04x},{element:04x}) does not belong in a command set of {end} bytes")
        found[element] = data[at : at + length]
        at += length
    return found


def _number(elements: dict[int, bytes], element: int) -> int:
    value = elements.get(element, b"")
    if len(value) < 2:
        raise ValueError(f"the command set has no (0000,{element:04x})")
    return int.from_bytes(value[:2], "little")


def _text(elements: dict[int, bytes], element: int) -> str:
    return elements.get(element, b"").decode("ascii", "replace").strip("\0 ")
