"""The few elements of a header that someone asks for, found without looking into the others.

It takes only what it is certain of; where anything is odd, who asks reads the header in another way.
"""

from __future__ import annotations

import struct
from collections.abc import Set
from dataclasses import dataclass

from appliance.dicom.kinds import UNDEFINED, Unsure

_SHORT = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
"""With two bytes reserved and four of length (PS3.5 7.1.2)."""
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_FIRST_DELIMITER = 0xFFFE0000
_PIXELS = 0x7FE0
"""The group that comes last."""
_DEEPEST = 16
"""Sequences within sequences."""
_IMPLICIT = struct.Struct("<HHI")
_EXPLICIT = struct.Struct("<HH2sH")
_LENGTH = struct.Struct("<I")


@dataclass(frozen=True)
class Place:
    """Where an element's value lies."""

    tag: int
    vr: str
    """Empty in Implicit VR."""
    offset: int
    length: int
    """Bytes, or `UNDEFINED`."""


@dataclass(frozen=True)
class Sieved:
    """What was asked for of a data set."""

    wanted: bytes
    """The elements as they stand, one after the other."""
    located: list[Place]
    """Of those whose values are not to be read."""


def sieve(data: bytes, implicit: bool, wanted: Set[int], located: Set[int], last: int) -> Sieved:
    """The elements `wanted` of the little-endian data set in `data`, and where the values of those `located` are.

    A located one from `last` on ends it. Raises `Unsure`, also where the data ends before that.
    """
    kept, places, position = bytearray(), [], 0
    read, asked = _EXPLICIT.unpack_from, wanted | located
    try:
        while True:
            if not implicit:  # most elements, without a call
                group, element, vr, length = read(data, position)
                if vr in _SHORT and group < _PIXELS and group << 16 | element not in asked:
                    position += 8 + length
                    continue
            tag, vr, value, length = _element(data, position, implicit)
            if tag in located:
                places.append(Place(tag, vr.decode("ascii"), value, length))
                if tag >= last:
                    return Sieved(bytes(kept), places)
            if tag >= _FIRST_DELIMITER:
                raise Unsure("a delimiter that nothing asks for")
            end = value + length if length != UNDEFINED else _behind(data, value, implicit, vr, 0)
            if tag in wanted:
                kept += data[position:end]
            position = end
    except struct.error as fault:
        raise Unsure("the data ends before what is looked for") from fault


def _element(data: bytes, position: int, implicit: bool) -> tuple[int, bytes, int, int]:
    """Tag, VR, the value's position and its length."""
    if implicit:
        group, element, length = _IMPLICIT.unpack_from(data, position)
        return group << 16 | element, b"", position + 8, length
    group, element, vr, length = _EXPLICIT.unpack_from(data, position)
    if vr in _SHORT:
        return group << 16 | element, vr, position + 8, length
    if vr in _LONG:
        return group << 16 | element, vr, position + 12, _LENGTH.unpack_from(data, position + 8)[0]
    raise Unsure("an element of no VR")


def _behind(data: bytes, position: int, implicit: bool, vr: bytes, depth: int) -> int:
    """Where a sequence of undefined length ends."""
    if depth > _DEEPEST or not (implicit or vr == b"SQ"):
        raise Unsure("a value of odd length")
    while True:
        group, element, length = _IMPLICIT.unpack_from(data, position)
        position += 8
        tag = group << 16 | element
        if tag == _SEQUENCE_END:
            return position
        if tag != _ITEM:
            raise Unsure("a sequence of something else than items")
        position = position + length if length != UNDEFINED else _behind_item(data, position, implicit, depth)


def _behind_item(data: bytes, position: int, implicit: bool, depth: int) -> int:
    while True:
        group, element, _ = _IMPLICIT.unpack_from(data, position)
        if group << 16 | element == _ITEM_END:
            return position + 8
        _, vr, value, length = _element(data, position, implicit)
        position = value + length if length != UNDEFINED else _behind(data, value, implicit, vr, depth + 1)
