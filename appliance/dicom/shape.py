"""How many elements a data set has and how deep its sequences go, found before anyone pays for reading it.

A reader makes an object of each element, and a copy of a sequence within a sequence at each level: a megabyte of the
worst shape takes a hundred of memory, and seconds. Here the bytes are only stepped over.
"""

from __future__ import annotations

import struct

from appliance.dicom.kinds import KINDS, UNDEFINED, Role, Unsure

MAX_DEPTH = 16
"""Sequences within sequences; a message's are hardly four deep, and pydicom copies each for the next."""
_ITEM, _ITEM_END, _SEQUENCE_END = (0xFFFE, 0xE000), (0xFFFE, 0xE00D), (0xFFFE, 0xE0DD)
_DELIMITERS = (_ITEM, _ITEM_END, _SEQUENCE_END)
_DELIMITER = 8
"""Bytes: a tag and a length, in every transfer syntax."""
_DELIMITED = (Role.SEQUENCE, Role.UNTOLD)
"""What may have a delimiter for its end, in a data set without pixels."""


def check(data: bytes, *, explicit: bool, order: str, most: int) -> None:
    """Raise ValueError unless `data` is elements, `most` with all items, and sequences that are not too deep.

    `order` is that of bytes, as `struct` has it.
    """
    try:
        end = _walk(data, explicit, order, most)
    except (struct.error, Unsure):
        end = len(data) + 1
    if end > len(data):
        raise ValueError("the data set ends within an element")


def _walk(data: bytes, explicit: bool, order: str, most: int) -> int:
    """The position behind the last element."""
    tag, short, long = (struct.Struct(order + form).unpack_from for form in ("HH", "H", "I"))
    ends: list[int] = []
    """Where the sequences end that the position is in; `UNDEFINED` for those with a delimiter."""
    position = count = 0
    while position < len(data):
        while ends and position >= ends[-1]:
            ends.pop()
        count += 1
        if count > most:
            raise ValueError(f"the data set has more than {most} elements")
        if (delimiter := tag(data, position)) in _DELIMITERS:
            # Items are stepped into: their own length says nothing that the elements in them don't.
            if delimiter == _SEQUENCE_END and ends:
                ends.pop()
            position += _DELIMITER
            continue
        # Some write sequences in Implicit VR whatever the rest is in (PS3.5 6.2.2), and readers put up with it.
        known = KINDS[order, not (explicit and b"AA" <= data[position + 4 : position + 6] <= b"ZZ")]
        kind = known[data[position : position + known.width]]
        position += kind.header
        (length,) = short(data, position - 2) if kind.short else long(data, position - 4)
        if length != UNDEFINED and kind.role is not Role.SEQUENCE:
            position += length
        elif kind.role not in _DELIMITED:
            raise ValueError("the data set has a value without length that is no sequence")
        else:
            ends.append(UNDEFINED if length == UNDEFINED else position + length)
            if len(ends) > MAX_DEPTH:
                raise ValueError(f"the data set has sequences more than {MAX_DEPTH} deep")
    return position
