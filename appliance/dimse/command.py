"""The command set of a DIMSE message: group 0000 in Implicit VR Little Endian (PS3.7 6.3.1, annex E)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from appliance.dicom.uid import is_valid

C_STORE_RQ = 0x0001
C_STORE_RSP = 0x8001
C_GET_RQ = 0x0010
C_FIND_RQ = 0x0020
C_MOVE_RQ = 0x0021
C_CANCEL_RQ = 0x0FFF
N_EVENT_REPORT_RQ = 0x0100
N_EVENT_REPORT_RSP = 0x8100
N_GET_RQ = 0x0110
N_SET_RQ = 0x0120
N_ACTION_RQ = 0x0130
N_CREATE_RQ = 0x0140
NO_DATA_SET = 0x0101

_AFFECTED_SOP_CLASS_UID = 0x0002
_REQUESTED_SOP_CLASS_UID = 0x0003
_COMMAND_FIELD = 0x0100
_MESSAGE_ID = 0x0110
_MESSAGE_ID_BEING_RESPONDED_TO = 0x0120
_COMMAND_DATA_SET_TYPE = 0x0800
_MOVE_DESTINATION = 0x0600
_STATUS = 0x0900
_ERROR_COMMENT = 0x0902
_AFFECTED_SOP_INSTANCE_UID = 0x1000
_REQUESTED_SOP_INSTANCE_UID = 0x1001
_EVENT_TYPE = 0x1002
_ATTRIBUTES = 0x1005
_ACTION_TYPE = 0x1008
_HEAD = struct.Struct("<HHI")
_NUMBER = struct.Struct("<HHIH")
_MOVE_ORIGINATOR = 0x1030
_PADDED_WITH_SPACE = frozenset((_MOVE_DESTINATION, _ERROR_COMMENT, _MOVE_ORIGINATOR))
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
    responds_to: int = 0
    """The message that this answers or cancels."""
    status: int = 0
    """Of a response."""
    destination: str = ""
    """The AE title that a C-MOVE names."""
    kind: int = 0
    """The type of the action or event that an N-ACTION or N-EVENT-REPORT is about."""
    attributes: tuple[int, ...] = ()
    """The tags that an N-GET asks for."""


def decode(data: bytes) -> Command:
    """Read an encoded command set. Raises ValueError when it is none, or without what every request has."""
    elements = _elements(data)
    return Command(
        field=_number(elements, _COMMAND_FIELD),
        message_id=_number(elements, _MESSAGE_ID) if _MESSAGE_ID in elements else 0,
        sop_class_uid=_text(elements, _AFFECTED_SOP_CLASS_UID) or _text(elements, _REQUESTED_SOP_CLASS_UID),
        sop_instance_uid=_text(elements, _AFFECTED_SOP_INSTANCE_UID) or _text(elements, _REQUESTED_SOP_INSTANCE_UID),
        has_data_set=_number(elements, _COMMAND_DATA_SET_TYPE) != NO_DATA_SET,
        responds_to=_optional(elements, _MESSAGE_ID_BEING_RESPONDED_TO),
        status=_optional(elements, _STATUS),
        destination=_text(elements, _MOVE_DESTINATION),
        kind=_optional(elements, _ACTION_TYPE) or _optional(elements, _EVENT_TYPE),
        attributes=tuple(_tags(elements.get(_ATTRIBUTES, b""))),
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


Element = int | str | bytes
"""US, text, or a value as it is encoded."""


def encode(elements: Mapping[int, Element]) -> bytes:
    """A command set of any message, from its elements' values by number in group 0000."""
    body = b"".join(_encoded(number, elements[number]) for number in sorted(elements))
    return _HEAD.pack(0, 0, 4) + len(body).to_bytes(4, "little") + body


def tags(attributes: Iterable[int]) -> bytes:
    """The value of an element that lists attributes (AT)."""
    return b"".join(struct.pack("<HH", tag >> 16, tag & 0xFFFF) for tag in attributes)


def _tags(value: bytes) -> Iterator[int]:
    for at in range(0, len(value) - 3, 4):
        group, element = struct.unpack_from("<HH", value, at)
        yield group << 16 | element


def _encoded(element: int, value: Element) -> bytes:
    if isinstance(value, bytes):
        return _HEAD.pack(0, element, len(value)) + value
    if isinstance(value, int):
        return _NUMBER.pack(0, element, 2, value)
    text = value[:_MAX_COMMENT].encode("ascii", "replace")
    return _padded(element, text, b" " if element in _PADDED_WITH_SPACE else b"\0")


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


def _optional(elements: dict[int, bytes], element: int) -> int:
    return int.from_bytes(elements.get(element, b"")[:2], "little")


def _text(elements: dict[int, bytes], element: int) -> str:
    return elements.get(element, b"").decode("ascii", "replace").strip("\0 ")
