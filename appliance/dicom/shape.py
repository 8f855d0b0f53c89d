"""How many elements a data set has and how deep its sequences go, found before anyone pays for reading it.

A reader makes an object of each element, and a copy of a sequence within a sequence at each level: a megabyte of the
worst shape takes a hundred of memory, and seconds. Here the bytes are only stepped over, in the way that pydicom reads
them: whatever it may take for a sequence is looked into.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from pydicom.datadict import dictionary_has_tag, dictionary_VR

from appliance.dicom.kinds import KINDS, UNDEFINED, Kind, Role, Unsure

MAX_DEPTH = 16
"""Sequences within sequences; a message's are hardly four deep, and pydicom copies each for the next."""
_ITEM, _ITEM_END, _SEQUENCE_END = (0xFFFE, 0xE000), (0xFFFE, 0xE00D), (0xFFFE, 0xE0DD)
_DELIMITER = 8
"""Bytes: a tag and a length, in every transfer syntax."""
_DATA_SET, _SEQUENCE, _ITEM_OF = "data set", "sequence", "item"
_MAY_HOLD_ITEMS = (None, "UN", "SQ")
"""What an element's VR in the data may be: of what has none, or UN, pydicom's dictionaries may say that it is SQ."""


@dataclass
class _Level:
    """Where the position is in: the data set, a sequence, or an item."""

    kind: str
    end: int
    """Where it ends at the latest; where its delimiter is if it is `delimited`."""
    implicit: bool
    delimited: bool = False


def check(data: bytes, *, explicit: bool, order: str, most: int) -> None:
    """Raise ValueError unless `data` is well formed, with `most` elements and items, and sequences not too deep.

    `order` is that of bytes, as `struct` has it. Padding behind the last element, a last value that is cut short, and
    one encoding under the other's name are let pass: peers send them.
    """
    _Walk(data, explicit, order, most).run()


class _Walk:
    def __init__(self, data: bytes, explicit: bool, order: str, most: int) -> None:
        self._data = data
        self._order = order
        self._most = most
        self._tag, self._short, self._long = (struct.Struct(order + form).unpack_from for form in ("HH", "H", "I"))
        implicit = not _has_vr(data, 0) if len(data) >= _DELIMITER else not explicit
        self._levels = [_Level(_DATA_SET, len(data), implicit)]
        self._depth = 0

    def run(self) -> None:
        """Step over all of it."""
        position = count = 0
        while True:
            level = self._levels[-1]
            if position >= level.end and not level.delimited:
                if level.kind is _DATA_SET:
                    return
                self._leave()
                continue
            count += 1
            if count > self._most:
                raise ValueError(f"the data set has more than {self._most} elements")
            try:
                position = self._step(level, position)
            except (struct.error, Unsure) as fault:
                if level.kind is _DATA_SET:
                    return  # what is left is too short for an element
                raise _odd() from fault

    def _step(self, level: _Level, position: int) -> int:
        """Pass an element's head, and its value unless that is a sequence; the position behind."""
        found = self._tag(self._data, position)
        if found in (_ITEM, _ITEM_END, _SEQUENCE_END):
            return self._delimiter(level, found, position)
        if level.kind is _SEQUENCE:
            raise _odd()
        # An element without VR among others that have one, pydicom reads as such, and is less strict about letters.
        explicit = not level.implicit and b"AA" <= self._data[position + 4 : position + 6] <= b"ZZ"
        known = KINDS[self._order, not explicit]
        kind = known[self._data[position : position + known.width]]
        position += kind.header
        (length,) = self._short(self._data, position - 2) if kind.short else self._long(self._data, position - 4)
        end = level.end if length == UNDEFINED else position + length
        if end > level.end and level.kind is not _DATA_SET:
            raise _odd()
        if length != UNDEFINED and not _holds_items(kind, self._data, position, length, self._order):
            return end
        if kind.told not in _MAY_HOLD_ITEMS:
            raise ValueError("the data set has a value without length that is no sequence")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ValueError(f"the data set has sequences more than {MAX_DEPTH} deep")
        # UN without length is in Implicit VR (PS3.5 6.2.2); else the first element of each item tells.
        implicit = level.implicit or (kind.told != "SQ" and length == UNDEFINED)
        self._levels.append(_Level(_SEQUENCE, min(end, level.end), implicit, length == UNDEFINED))
        return position

    def _delimiter(self, level: _Level, found: tuple[int, int], position: int) -> int:
        (length,) = self._long(self._data, position + 4)
        position += _DELIMITER
        if found == _ITEM and level.kind is _SEQUENCE:
            end = level.end if length == UNDEFINED else position + length
            if end > level.end:
                raise _odd()
            implicit = level.implicit or not _has_vr(self._data, position)
            self._levels.append(_Level(_ITEM_OF, end, implicit, length == UNDEFINED))
        elif level.delimited and found == (_ITEM_END if level.kind is _ITEM_OF else _SEQUENCE_END):
            self._leave()
        else:
            raise _odd()
        return position

    def _leave(self) -> None:
        self._depth -= self._levels.pop().kind is _SEQUENCE


def _odd() -> ValueError:
    return ValueError("the data set has sequences that are none")


def _has_vr(data: bytes, position: int) -> bool:
    """Whether there are two capital letters where the first element has its VR."""
    return data[position + 4 : position + 5].isupper() and data[position + 5 : position + 6].isupper()


def _holds_items(kind: Kind, data: bytes, position: int, length: int, order: str) -> bool:
    """Whether a value of known length is a sequence, or looks like one where nobody knows."""
    if kind.told not in _MAY_HOLD_ITEMS:
        return False
    if kind.role is Role.SEQUENCE or kind.told == "SQ" or (kind.told == "UN" and _is_sequence(kind.tag)):
        return True
    return length >= _DELIMITER and struct.unpack_from(f"{order}HH", data, position) == _ITEM


def _is_sequence(tag: int) -> bool:
    """Whether the dictionary says so, which counts more for pydicom than UN does."""
    return dictionary_has_tag(tag) and dictionary_VR(tag) == "SQ"
