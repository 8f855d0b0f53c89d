"""The four UIDs that say what an instance is, found in the first bytes of its data set in microseconds.

Only what is beyond doubt is answered; for everything else there is `header.read_uids`.
"""

from __future__ import annotations

import struct

_IMPLICIT = "1.2.840.10008.1.2"
_BIG_ENDIAN = "1.2.840.10008.1.2.2"
_DEFLATED = frozenset(("1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"))
_LONG_VRS = frozenset(vr.encode() for vr in "OB OW OF OD OL OV SQ UC UN UR UT SV UV".split())
_SHORT_VRS = frozenset(vr.encode() for vr in "AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
_UNDEFINED = 0xFFFFFFFF
_FIRST_GROUP = 0x0008
_SOP_CLASS, _SOP_INSTANCE = 0x00080016, 0x00080018
_STUDY, _SERIES = 0x0020000D, 0x0020000E
_WANTED = (_SOP_CLASS, _SOP_INSTANCE, _STUDY, _SERIES)
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, (0xFFFE, 0xE00D), 0xFFFEE0DD
_DEEPEST = 16

Uids = tuple[str, str, str, str]
"""SOP class, SOP instance, study and series; empty where absent."""


class _DoubtError(Exception):
    """Not certain: too short, damaged, or not as PS3.5 has it."""


class Finder:
    """Finds them. It remembers the last layout: within a series the same elements are at the same places."""

    def __init__(self) -> None:
        self._known: _Layout | None = None

    def uids(self, start: bytes, transfer_syntax_uid: str, whole: bool) -> Uids | None:
        """The UIDs in a data set that begins with `start`, and ends there too if `whole`; None when in doubt."""
        if transfer_syntax_uid in _DEFLATED:
            return None
        known = self._known
        try:
            if known is not None and known.fits(start, transfer_syntax_uid):
                return known.uids(start)
            self._known, found = _Reader(start, transfer_syntax_uid).find(whole)
        except (_DoubtError, struct.error, UnicodeDecodeError):
            return None
        return found


class _Layout:
    """Where the elements are. Each head says where the next one is, so equal heads mean equal places."""

    def __init__(self, syntax: str, data: bytes, heads: list[tuple[int, int]], values: dict[int, slice]) -> None:
        """`heads`: where each is, and its length; `values`: where those of the UIDs are."""
        form, end = "", 0
        for at, length in heads:
            form += f"{at - end}x{length}s"
            end = at + length
        self._syntax = syntax
        self._heads = struct.Struct(form)
        self._expected = self._heads.unpack_from(data)
        self._values = [values.get(tag) for tag in _WANTED]

    def fits(self, data: bytes, syntax: str) -> bool:
        """Whether `data` has the same elements at the same places."""
        return (
            syntax == self._syntax and len(data) >= self._heads.size and self._heads.unpack_from(data) == self._expected
        )

    def uids(self, data: bytes) -> Uids:
        """The UIDs in `data`, which fits."""
        sop_class, instance, study, series = ("" if at is None else _uid(data[at]) for at in self._values)
        return sop_class, instance, study, series


class _Reader:
    """Elements one after the other (PS3.5 7.1), values skipped."""

    def __init__(self, data: bytes, transfer_syntax_uid: str) -> None:
        self._data = data
        self._syntax = transfer_syntax_uid
        self._implicit = transfer_syntax_uid == _IMPLICIT
        order = ">" if transfer_syntax_uid == _BIG_ENDIAN else "<"
        self._head = struct.Struct(order + ("HHI" if self._implicit else "HH2sH")).unpack_from
        self._long = struct.Struct(order + "I").unpack_from
        self._item = struct.Struct(order + "HHI").unpack_from
        self._heads: list[tuple[int, int]] = []

    def find(self, whole: bool) -> tuple[_Layout | None, Uids]:
        """The four in the data set's own level, and the layout that led to them unless its end did."""
        size = len(self._data)
        values: dict[int, slice] = {}
        at, last = 0, _FIRST_GROUP << 16
        while at < size:
            tag, length, value = self._element(at)
            if tag > _SERIES:
                layout = _Layout(self._syntax, self._data, self._heads, values)
                return layout, layout.uids(self._data)
            if tag <= last:
                raise _DoubtError
            last = tag
            at = self._after(value, length, 0)
            if tag in _WANTED and length != _UNDEFINED:
                values[tag] = slice(value, at)
        if at != size or not whole:
            raise _DoubtError
        return None, _Layout(self._syntax, self._data, self._heads, values).uids(self._data)

    def _element(self, at: int) -> tuple[int, int, int]:
        """The tag and length of the element at `at`, and where its value begins."""
        if self._implicit:
            group, element, length = self._head(self._data, at)
            size = 8
        else:
            group, element, vr, length = self._head(self._data, at)
            size = 8
            if vr not in _SHORT_VRS:
                if vr not in _LONG_VRS:
                    raise _DoubtError
                length = self._long(self._data, at + 8)[0]
                size = 12
        self._heads.append((at, size))
        return group << 16 | element, length, at + size

    def _after(self, at: int, length: int, depth: int) -> int:
        """Where the element after the value at `at` begins."""
        if length != _UNDEFINED:
            return at + length
        if depth > _DEEPEST:
            raise _DoubtError
        while True:
            tag, length = self._delimiter(at)
            at += 8
            if tag == _SEQUENCE_END:
                return at
            if tag != _ITEM:
                raise _DoubtError
            at = self._after_item(at, depth) if length == _UNDEFINED else at + length

    def _after_item(self, at: int, depth: int) -> int:
        """Where an item of undefined length ends (PS3.5 7.5)."""
        while self._item(self._data, at)[:2] != _ITEM_END:
            _, length, value = self._element(at)
            at = self._after(value, length, depth + 1)
        self._delimiter(at)
        return at + 8

    def _delimiter(self, at: int) -> tuple[int, int]:
        group, element, length = self._item(self._data, at)
        self._heads.append((at, 8))
        return group << 16 | element, length


def _uid(value: bytes) -> str:
    if b"\\" in value:
        raise _DoubtError
    return value.decode("ascii").strip(" \0")
