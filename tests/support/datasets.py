"""Data sets of any shape as bytes, written without any library: what vendors send, and what nobody should."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from pydicom._dicom_dict import DicomDictionary  # the only list of all tags
from pydicom._private_dict import private_dictionaries

LONG = frozenset("OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
VRS = sorted(LONG | frozenset("AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split()))
SYNTAXES = {
    "1.2.840.10008.1.2": ("<", True),
    "1.2.840.10008.1.2.1": ("<", False),
    "1.2.840.10008.1.2.2": (">", False),
    "1.2.840.10008.1.2.4.70": ("<", False),
}
"""Byte order, and whether VRs are implicit, by transfer syntax UID."""
CHARSETS = (
    *("", "ISO_IR 100", "ISO_IR 192", "ISO_IR 13", "ISO_IR 144", "GB18030", "ISO 2022 IR 6\\ISO 2022 IR 87"),
    *("\\ISO 2022 IR 149", "ISO 2022 IR 13\\ISO 2022 IR 87", "ISO-IR 100", "ISO_IR 999", "latin_2", "rot13", "\\"),
)
UNDEFINED = 0xFFFFFFFF
_NUMBERS = {"AT": 4, "FD": 8, "FL": 4, "SL": 4, "SS": 2, "SV": 8, "UL": 4, "US": 2, "UV": 8}
_OF_INTEREST = (
    *((0x00080018, "UI"), (0x00080016, "UI"), (0x0020000D, "UI"), (0x0020000E, "UI"), (0x00100010, "PN")),
    *((0x00280103, "US"), (0x00280106, "US or SS"), (0x00281101, "US or SS"), (0x00283002, "US or SS")),
    *((0x00283006, "US or OW"), (0x00283010, "SQ"), (0x00081140, "SQ"), (0x00200013, "IS"), (0x00280008, "IS")),
    *((0x60003000, "OB or OW"), (0x54000100, "SQ"), (0x54001010, "OB or OW"), (0x00189810, "US or SS")),
    *((0x00080020, "DA"), (0x00280010, "US"), (0x00281201, "OW"), (0x00102180, "SH"), (0x00080050, "SH")),
)


@dataclass(frozen=True)
class Element:
    """One element; a sequence has items instead of a value."""

    tag: int
    vr: str
    value: bytes = b""
    items: tuple[Item, ...] = ()
    delimited: bool = False


@dataclass(frozen=True)
class Item:
    """One item of a sequence."""

    elements: tuple[Element, ...]
    delimited: bool = False
    implicit: bool = False
    """Whether it is in Implicit VR even in a data set that is not."""


def encoded(elements: tuple[Element, ...], order: str = "<", implicit: bool = False) -> bytes:
    """The elements as bytes (PS3.5 chapter 7)."""
    return b"".join(_element(element, order, implicit) for element in elements)


def _element(element: Element, order: str, implicit: bool) -> bytes:
    value = b"".join(_item(item, order, implicit) for item in element.items) or element.value
    length = UNDEFINED if element.delimited else len(value)
    if element.delimited:
        value += _head(order, 0xFFFEE0DD, 0)
    tag = struct.pack(f"{order}HH", element.tag >> 16, element.tag & 0xFFFF)
    if implicit:
        return tag + struct.pack(f"{order}I", length) + value
    if element.vr in LONG:
        return tag + element.vr.encode() + b"\0\0" + struct.pack(f"{order}I", length) + value
    return tag + element.vr.encode() + struct.pack(f"{order}H", length & 0xFFFF) + value


def _item(item: Item, order: str, implicit: bool) -> bytes:
    value = encoded(item.elements, order, implicit or item.implicit)
    if item.delimited:
        return _head(order, 0xFFFEE000, UNDEFINED) + value + _head(order, 0xFFFEE00D, 0)
    return _head(order, 0xFFFEE000, len(value)) + value


def _head(order: str, tag: int, length: int) -> bytes:
    return struct.pack(f"{order}HHI", tag >> 16, tag & 0xFFFF, length)


class Maker:
    """Makes data sets up, the same from the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def data_set(self) -> tuple[str, bytes]:
        """A transfer syntax, and a data set in it; sometimes with pixels."""
        syntax = self._random.choice(sorted(SYNTAXES))
        elements = self._elements(0)
        if self._one_in(2):
            elements += (Element(0x7FE00010, self._random.choice(("OB", "OW")), b"\1\2\3\4"),)
        return syntax, encoded(elements, *SYNTAXES[syntax])

    def _one_in(self, count: int) -> bool:
        return self._random.randrange(count) == 0

    def _elements(self, depth: int) -> tuple[Element, ...]:
        pick = self._random
        found = {}
        if self._one_in(2):
            charset = pick.choice(CHARSETS if self._one_in(5) else CHARSETS[:9])
            found[0x00080005] = Element(0x00080005, "CS", charset.encode())
        public = pick.choices(_public(), k=pick.randrange(7)) + pick.choices(_OF_INTEREST, k=pick.randrange(5))
        for tag, vr in public:
            found[tag] = self._one(tag, vr, depth)
        for creator, tag, vr in pick.choices(_private(), k=pick.randrange(3)):
            by = tag & 0xFFFF0000 | 0x10
            name = pick.randbytes(6) if self._one_in(9) else creator.encode()
            found[by] = Element(by, "UN" if self._one_in(6) else "LO", name)
            found[tag] = self._one(tag, vr, depth)
        if self._one_in(9):
            tag = pick.randrange(0x00080000, 0x7FE00000)
            found[tag] = self._one(tag, "UN", depth)
        return tuple(found[tag] for tag in sorted(found, reverse=self._one_in(60)))

    def _one(self, tag: int, vr: str, depth: int) -> Element:
        if vr == "SQ":
            items = tuple(self._item(depth + 1) for _ in range(self._random.randrange(4) if depth < 3 else 0))
            return Element(tag, "UN" if self._one_in(6) else "SQ", items=items, delimited=self._one_in(2))
        usual = vr if vr in VRS else "US" if vr.startswith("US") else "OW"
        if tag == 0x00280103 and not self._one_in(20):
            return Element(tag, "US", self._random.choice((b"\0\0", b"\1\0", b"\0\1")))
        if tag == 0x00283002 and not self._one_in(20):
            return Element(tag, "US", self._random.choice((b"\1\0\0\0\x10\0", b"\0\1\0\x80\x10\0")))
        told = self._random.choice(("UN", "UN", "LO", "OB")) if self._one_in(9) else usual
        return Element(tag, told, self.value(usual))

    def _item(self, depth: int) -> Item:
        return Item(self._elements(depth), delimited=self._one_in(2), implicit=self._one_in(8))

    def value(self, vr: str) -> bytes:
        """A value that the VR allows, or nearly; sometimes it does not at all."""
        pick = self._random
        if self._one_in(25):
            return pick.randbytes(pick.randrange(20))
        if vr in _NUMBERS:
            return pick.randbytes(_NUMBERS[vr] * pick.randrange(5))
        if vr == "UN" or vr.startswith("O"):
            return pick.randbytes(pick.choice((0, 1, 8, 300, 1024, 1025)))
        values = (self._text(vr) for _ in range(pick.choice((0, 1, 1, 1, 1, 3))))
        return "\\".join(values).encode("utf-8") + pick.choice((b"", b"", b" ", b"\0", b"  "))

    def _text(self, vr: str) -> str:
        pick = self._random
        if vr == "DA":
            return pick.choice(("20240131", "2024.01.31", "today", ""))
        if vr == "DS":
            return pick.choice((f"{pick.uniform(-9, 9):.6f}", f"{pick.random():e}", " 1 ", "", "nan", "1_0", "-inf"))
        if vr == "IS":
            return pick.choice((str(pick.randrange(-99, 99)), "+5", " 7", "1.0", "2.5", "99999999999999999999", ""))
        if vr == "UI":
            return ".".join(str(pick.randrange(999)) for _ in range(4))
        letters = "AZaz09 ^=.-+" if pick.randrange(4) else "Aä山 =^\n\x1b$B\x1b(B"
        return "".join(pick.choices(letters, k=pick.randrange(12)))


@lru_cache
def _public() -> tuple[tuple[int, str], ...]:
    return tuple((tag, entry[0]) for tag, entry in sorted(DicomDictionary.items()) if 0x00080006 < tag < 0x7FE00000)


@lru_cache
def _private() -> tuple[tuple[str, int, str], ...]:
    """Creator, tag in its first block, VR."""
    found = []
    for creator, entries in sorted(private_dictionaries.items()):
        for pattern, entry in entries.items():
            tag = pattern.replace("xxxx", "0910").replace("xx", "10")
            if int(tag[:4], 16) % 2 and 8 < int(tag[:4], 16) < 0x7000 and tag[4:6] == "10":
                found.append((creator, int(tag, 16), entry[0]))
    return tuple(found)
