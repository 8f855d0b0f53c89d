"""The bytes of PS3.8 9.3 and PS3.7 6.3 as a caller needs them: pure, no sockets."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from appliance.dicom.uid import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

ASSOCIATE_RQ, ASSOCIATE_AC, ASSOCIATE_RJ, P_DATA, RELEASE_RQ, RELEASE_RP, ABORT = range(1, 8)
"""PDU types, PS3.8 9.3.1."""
RELEASE_REQUEST = struct.pack(">BxI4x", RELEASE_RQ, 4)
RELEASE_ANSWER = struct.pack(">BxI4x", RELEASE_RP, 4)
ABORT_REQUEST = struct.pack(">BxI4x", ABORT, 4)
"""Source 0, the service user: PS3.8 9.3.8."""
HEAD = struct.Struct(">BxI")
"""What each PDU begins with: type and length of the rest."""
DATA_HEAD = struct.Struct(">BxIIBB")
"""P-DATA-TF with one value: type, length, length of the value, presentation context, message control."""
OVERHEAD = DATA_HEAD.size - HEAD.size
"""Bytes of a P-DATA-TF that count toward the peer's maximum and carry nothing (PS3.8 D.1)."""
COMMAND, LAST = 1, 2
"""Bits of the message control header, PS3.8 E.2."""

_APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
_ITEM = struct.Struct(">BxH")
_ELEMENT = struct.Struct("<HHI")
_TITLES = frozenset((0x0600, 0x1030))
"""Move Destination and its originator are AE, padded with spaces; all other text here is UIDs (PS3.5 6.2)."""


@dataclass(frozen=True)
class Context:
    """A presentation context to propose: a SOP class in one of some transfer syntaxes."""

    sop_class_uid: str
    transfer_syntaxes: tuple[str, ...]
    serves: bool = False
    """Whether we are the SCP here, and the peer the SCU (PS3.7 D.3.3.4)."""


@dataclass(frozen=True)
class Answer:
    """What A-ASSOCIATE-AC says of one context: `result` 0 is accepted (PS3.8 table 9-18)."""

    id: int
    result: int
    transfer_syntax_uid: str


@dataclass(frozen=True)
class Acceptance:
    """A-ASSOCIATE-AC."""

    answers: list[Answer]
    max_pdu: int
    """The largest P-DATA-TF that the peer takes, without its head; 0 is any."""


def associate_request(calling: str, called: str, contexts: Sequence[Context], max_pdu: int) -> bytes:
    """A-ASSOCIATE-RQ; the contexts get the odd numbers from 1 on, so there may be 128 (PS3.8 9.3.2.2)."""
    parts = [_item(0x10, _APPLICATION_CONTEXT.encode())]
    for number, context in enumerate(contexts):
        syntaxes = b"".join(_item(0x40, uid.encode()) for uid in context.transfer_syntaxes)
        sop_class = _item(0x30, context.sop_class_uid.encode())
        parts.append(_item(0x20, struct.pack("B3x", 2 * number + 1) + sop_class + syntaxes))
    user = _item(0x51, struct.pack(">I", max_pdu)) + _item(0x52, IMPLEMENTATION_CLASS_UID.encode())
    served = dict.fromkeys(context.sop_class_uid.encode() for context in contexts if context.serves)
    user += b"".join(_item(0x54, struct.pack(">H", len(uid)) + uid + b"\0\1") for uid in served)
    parts.append(_item(0x50, user + _item(0x55, IMPLEMENTATION_VERSION_NAME.encode())))
    titles = called.ljust(16).encode("ascii") + calling.ljust(16).encode("ascii")
    body = struct.pack(">HH", 1, 0) + titles + bytes(32) + b"".join(parts)
    return HEAD.pack(ASSOCIATE_RQ, len(body)) + body


def acceptance(body: bytes) -> Acceptance:
    """Read A-ASSOCIATE-AC. Raises ValueError when it is not one."""
    answers: list[Answer] = []
    max_pdu = 0
    for kind, value in _items(body[68:]):
        if kind == 0x21:
            if len(value) < 4:
                raise ValueError("a presentation context item is too short")
            syntaxes = [uid for inner, uid in _items(value[4:]) if inner == 0x40]
            uid = syntaxes[0].decode("ascii", "replace").rstrip("\0 ") if syntaxes else ""
            answers.append(Answer(value[0], value[2], uid))
        elif kind == 0x50:
            lengths = [inner for number, inner in _items(value) if number == 0x51 and len(inner) == 4]
            max_pdu = int.from_bytes(lengths[0], "big") if lengths else 0
    return Acceptance(answers, max_pdu)


def _item(kind: int, value: bytes) -> bytes:
    return _ITEM.pack(kind, len(value)) + value


def _items(body: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(body):
        if position + _ITEM.size > len(body):
            raise ValueError("an item is cut off")
        kind, length = _ITEM.unpack_from(body, position)
        position += _ITEM.size
        if position + length > len(body):
            raise ValueError("an item is longer than what holds it")
        yield kind, body[position : position + length]
        position += length


def command(elements: Mapping[int, int | str]) -> bytes:
    """A command set, group 0000 in implicit little endian (PS3.7 6.3.1); UIDs are text, the others US."""
    values = b"".join(_element(number, elements[number]) for number in sorted(elements))
    return _ELEMENT.pack(0, 0, 4) + struct.pack("<I", len(values)) + values


def _element(number: int, value: int | str) -> bytes:
    if isinstance(value, str):
        raw = value.encode("ascii")
        raw += (b" " if number in _TITLES else b"\0") * (len(raw) % 2)
    else:
        raw = struct.pack("<H", value)
    return _ELEMENT.pack(0, number, len(raw)) + raw


def read_command(data: bytes) -> dict[int, bytes]:
    """The elements of a command set. Raises ValueError when it is not one."""
    elements: dict[int, bytes] = {}
    position = 0
    while position < len(data):
        if position + _ELEMENT.size > len(data):
            raise ValueError("an element of the command is cut off")
        group, number, length = _ELEMENT.unpack_from(data, position)
        position += _ELEMENT.size
        if group != 0 or position + length > len(data):
            raise ValueError("the command holds what is no element of a command")
        elements[number] = data[position : position + length]
        position += length
    return elements


def data_values(body: bytes) -> Iterator[tuple[int, bytes]]:
    """The (message control, fragment) pairs of a P-DATA-TF. Raises ValueError when it is damaged."""
    position = 0
    while position < len(body):
        if position + 6 > len(body):
            raise ValueError("a presentation data value is cut off")
        length = int.from_bytes(body[position : position + 4], "big")
        end = position + 4 + length
        if length < 2 or end > len(body):
            raise ValueError("a presentation data value is longer than its PDU")
        yield body[position + 5], body[position + 6 : end]
        position = end
