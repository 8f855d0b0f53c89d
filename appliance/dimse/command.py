"""The command set of a DIMSE message: group 0000 in Implicit VR Little Endian (PS3.7 6.3.1, annex E)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

C_STORE_RQ = 0x0001
NO_DATA_SET = 0x0101

_AFFECTED_SOP_CLASS_UID = 0x0002
_COMMAND_FIELD = 0x0100
_MESSAGE_ID = 0x0110
_COMMAND_DATA_SET_TYPE = 0x0800
_AFFECTED_SOP_INSTANCE_UID = 0x1000
_HEAD = struct.Struct("<HHI")


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
    elements = dict(_elements(data))
    return Command(
        field=_number(elements, _COMMAND_FIELD),
        message_id=_number(elements, _MESSAGE_ID) if _MESSAGE_ID in elements else 0,
        sop_class_uid=_text(elements, _AFFECTED_SOP_CLASS_UID),
        sop_instance_uid=_text(elements, _AFFECTED_SOP_INSTANCE_UID),
        has_data_set=_number(elements, _COMMAND_DATA_SET_TYPE) != NO_DATA_SET,
    )


def _elements(data: bytes) -> list[tuple[int, bytes]]:
    found = []
    at = 0
    while at < len(data):
        if len(data) - at < _HEAD.size:
            raise ValueError("the command set ends within an element")
        group, element, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        if group or length > len(data) - at:
            raise ValueError(f"({group:04x},{element:04x}) does not belong in a command set of {len(data)} bytes")
        found.append((element, data[at : at + length]))
        at += length
    return found


def _number(elements: dict[int, bytes], element: int) -> int:
    value = elements.get(element, b"")
    if len(value) < 2:
        raise ValueError(f"the command set has no (0000,{element:04x})")
    return int.from_bytes(value[:2], "little")


def _text(elements: dict[int, bytes], element: int) -> str:
    return elements.get(element, b"").decode("ascii", "replace").strip("\0 ")
