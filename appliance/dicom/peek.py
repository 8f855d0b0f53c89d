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
_WANTED = frozenset((_SOP_CLASS, _SOP_INSTANCE, _STUDY, _SERIES))
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_DEEPEST = 16

Uids = tuple[str, str, str, str]
"""SOP class, SOP instance, study and series; empty where absent."""


class _DoubtError(Exception):
    """Not certain: too short, damaged, or not as PS3.5 has it."""


def uids(start: bytes, transfer_syntax_uid: str, whole: bool) -> Uids | None:
    """The UIDs in a data set that begins with `start`, and ends there too if `whole`; None when in doubt."""
    if transfer_syntax_uid in _DEFLATED:
        return None
    try:
        found = _Reader(start, transfer_syntax_uid).find(whole)
    except (_DoubtError, struct.error, UnicodeDecodeError):
        return None
    return found.get(_SOP_CLASS, ""), found.get(_SOP_INSTANCE, ""), found.get(_STUDY, ""), found.get(_SERIES, "")


class _Reader:
    """Elements one after the other (PS3.5 7.1), values skipped."""

    def __init__(self, data: bytes, transfer_syntax_uid: str) -> None:
        self._data = data
        self._implicit = transfer_syntax_uid == _IMPLICIT
        order = ">" if transfer_syntax_uid == _BIG_ENDIAN else "<"
        self._head = struct.Struct(order + ("HHI" if self._implicit else "HH2sH")).unpack_from
        self._long = struct.Struct(order + "I").unpack_from
        self._item = struct.Struct(order + "HHI").unpack_from

    def find(self, whole: bool) -> dict[int, str]:
        """The values of the four, in the data set's own level."""
        data, size, element = self._data, len(self._data), self._element
        found: dict[int, str] = {}
        at, last = 0, _FIRST_GROUP << 16
        while at < size:
            tag, length, at = element(at)
            if tag > _SERIES:
                return found
            if tag <= last:
                raise _DoubtError
            last = tag
            if length == _UNDEFINED:
                at = self._after_sequence(at, 0)
            else:
                if tag in _WANTED:
                    found[tag] = _uid(data[at : at + length], length)
                at += length
        if at != size or not whole:
            raise _DoubtError
        return found

    def _element(self, at: int) -> tuple[int, int, int]:
        """The tag and length of the element at `at`, and where its value begins."""
        if self._implicit:
            group, element, length = self._head(self._data, at)
            return group << 16 | element, length, at + 8
        group, element, vr, length = self._head(self._data, at)
        if vr in _SHORT_VRS:
            return group << 16 | element, length, at + 8
        if vr not in _LONG_VRS:
            raise _DoubtError
        return group << 16 | element, self._long(self._data, at + 8)[0], at + 12

    def _after_sequence(self, at: int, depth: int) -> int:
        """Where the element after a sequence of undefined length begins (PS3.5 7.5)."""
        if depth > _DEEPEST:
            raise _DoubtError
        while True:
            group, element, length = self._item(self._data, at)
            tag = group << 16 | element
            at += 8
            if tag == _SEQUENCE_END:
                return at
            if tag != _ITEM:
                raise _DoubtError
            at = self._after_item(at, depth) if length == _UNDEFINED else at + length

    def _after_item(self, at: int, depth: int) -> int:
        while True:
            group, element, _ = self._item(self._data, at)
            if group << 16 | element == _ITEM_END:
                return at + 8
            _, length, at = self._element(at)
            at = self._after_sequence(at, depth + 1) if length == _UNDEFINED else at + length


def _uid(value: bytes, length: int) -> str:
    if len(value) != length or b"\\" in value:
        raise _DoubtError
    return value.decode("ascii").strip(" \0")
