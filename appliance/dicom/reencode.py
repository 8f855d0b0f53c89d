"""An uncompressed data set in another uncompressed encoding, value for value (PS3.5 7.1 and annex A).

pydicom would decode and encode each value, and lose what it cannot make sense of. Here values are copied as
they are, only what stands before them is written anew, and memory stays small however large the pixels are.
"""

from __future__ import annotations

import array
import io
import math
import struct
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from pydicom.datadict import dictionary_VR

from appliance.dicom import inflate
from appliance.errors import UnreadableInstanceError

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
SOURCES = frozenset((IMPLICIT_LITTLE, EXPLICIT_LITTLE, DEFLATED, EXPLICIT_BIG))
"""What can be re-encoded."""
TARGETS = (EXPLICIT_LITTLE, IMPLICIT_LITTLE)
"""Into what, the better first: it keeps the VRs."""

_SHORT = frozenset("AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
"""VRs with a length of two bytes (PS3.5 7.1.2)."""
_WORDS = {
    **dict.fromkeys(("AT", "OW", "SS", "US"), 2),
    **dict.fromkeys(("FL", "OF", "OL", "SL", "UL"), 4),
    **dict.fromkeys(("FD", "OD", "OV", "SV", "UV"), 8),
}
"""Bytes that change places with the byte order."""
_ARRAYS = {2: "H", 4: "I", 8: "Q"}
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = (0xFFFE, 0xE000), (0xFFFE, 0xE00D), (0xFFFE, 0xE0DD)
_PIXEL_REPRESENTATION = (0x0028, 0x0103)
_CHUNK = 1 << 20
_LONG, _END = 4096, 8
"""Bytes of a value that is passed over, and of its end, which is whole words."""
_DEEPEST = 64


@dataclass(frozen=True)
class _Encoding:
    explicit: bool
    order: str
    """Of bytes, as `struct` has it."""


_ENCODINGS = {
    IMPLICIT_LITTLE: _Encoding(False, "<"),
    EXPLICIT_LITTLE: _Encoding(True, "<"),
    DEFLATED: _Encoding(True, "<"),
    EXPLICIT_BIG: _Encoding(True, ">"),
}


def reencode(source: BinaryIO, stored: str, target: BinaryIO, wanted: str) -> None:
    """Copy the data set at `source`, in transfer syntax `stored`, to `target` in `wanted`.

    `stored` is one of `SOURCES`, `wanted` one of `TARGETS`. Raises `UnreadableInstanceError` when the data set
    is damaged.
    """
    for piece in _pieces(source, stored, wanted):
        target.write(piece)


def chunks(source: BinaryIO, stored: str, wanted: str) -> Iterator[bytes]:
    """What `reencode` would write, a megabyte or two at a time, made as it is taken.

    Raises as it does, but only on coming to the damage: who has to know before the first chunk asks `check`.
    """
    gathered: list[bytes] = []
    size = 0
    for piece in _pieces(source, stored, wanted):
        gathered.append(piece)
        size += len(piece)
        if size >= _CHUNK:
            yield b"".join(gathered)
            gathered, size = [], 0
    if gathered:
        yield b"".join(gathered)


def check(source: BinaryIO, stored: str) -> None:
    """Raise what re-encoding the data set at `source` would; it takes moments, since long values are passed over."""
    for _ in _pieces(source, stored, EXPLICIT_LITTLE, skim=True):
        pass


def _pieces(source: BinaryIO, stored: str, wanted: str, *, skim: bool = False) -> Iterator[bytes]:
    reader = _Reader(inflate.buffered(source) if stored == DEFLATED else source)
    copy = _Copy(reader, _ENCODINGS[wanted], skim=skim)
    return copy.elements(_ENCODINGS[stored], math.inf, signed=False, depth=0)


class _Reader:
    """Gives bytes and counts them."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.at = 0

    def take(self, count: int) -> bytes:
        """Exactly `count` bytes."""
        data = self.take_any(count)
        if len(data) < count:
            raise UnreadableInstanceError("the data set ends within an element")
        return data

    def take_any(self, count: int) -> bytes:
        """As many as there are, up to `count`."""
        data = self._file.read(count)
        self.at += len(data)
        return data

    def skip(self, count: int) -> None:
        """Pass over exactly `count` bytes, at least one."""
        self._file.seek(count - 1, io.SEEK_CUR)
        self.at += count - 1
        self.take(1)  # files may be sought beyond their end


class _Copy:
    """One data set on its way from a reader, piece by piece."""

    def __init__(self, reader: _Reader, wanted: _Encoding, *, skim: bool) -> None:
        """To `skim` gives only the ends of long values: all that can be damaged is looked at, and little is read."""
        self._reader = reader
        self._wanted = wanted
        self._skim = skim

    def elements(self, encoding: _Encoding, end: float, *, signed: bool, depth: int) -> Iterator[bytes]:
        """Elements up to position `end`, an item's end mark, or the end of the file at depth 0."""
        if depth > _DEEPEST:
            raise UnreadableInstanceError("its sequences are nested too deeply")
        while self._reader.at < end:
            start = self._reader.take_any(4) if depth == 0 else self._reader.take(4)
            if not start:
                return
            tag = _pair(encoding, start)
            if tag == _ITEM_END:
                self._reader.take(4)
                return
            vr, length = self._head(encoding, tag, signed)
            if length == _UNDEFINED or vr == "SQ":
                # A value of unknown kind is implicit little endian in every data set (PS3.5 6.2.2).
                inner = _ENCODINGS[IMPLICIT_LITTLE] if vr == "UN" else encoding
                yield from self._sequence(inner, tag, vr, length, signed=signed, depth=depth)
            elif tag[1] == 0:
                self._reader.take(length)  # a group length, wrong after this, and retired (PS3.5 7.2)
            else:
                first = yield from self._value(encoding, tag, vr, length)
                if tag == _PIXEL_REPRESENTATION:
                    signed = first[:2] == b"\1\0"

    def _head(self, encoding: _Encoding, tag: tuple[int, int], signed: bool) -> tuple[str, int]:
        """VR and length of the element whose tag was just read."""
        if not encoding.explicit:
            (length,) = struct.unpack("<I", self._reader.take(4))
            return _known_vr(tag, signed), length
        vr = self._reader.take(2).decode("latin-1")
        if not (vr.isascii() and vr.isalpha() and vr.isupper()):
            raise UnreadableInstanceError(f"element ({tag[0]:04x},{tag[1]:04x}) has no VR")
        if vr in _SHORT:
            (short,) = struct.unpack(encoding.order + "H", self._reader.take(2))
            return vr, short
        (length,) = struct.unpack(encoding.order + "2xI", self._reader.take(6))
        return vr, length

    def _sequence(
        self, encoding: _Encoding, tag: tuple[int, int], vr: str, length: int, *, signed: bool, depth: int
    ) -> Iterator[bytes]:
        """The items of a sequence; lengths change within, so they are left open."""
        if vr not in ("SQ", "UN"):
            raise UnreadableInstanceError(f"element ({tag[0]:04x},{tag[1]:04x}) has no length")
        yield self._written_head(tag, "SQ", _UNDEFINED)
        end = math.inf if length == _UNDEFINED else self._reader.at + length
        while self._reader.at < end:
            mark, size = _mark(encoding, self._reader.take(8))
            if mark == _SEQUENCE_END:
                break
            if mark != _ITEM:
                raise UnreadableInstanceError("a sequence holds what is no item")
            yield _written_mark(_ITEM, _UNDEFINED)
            item_end = math.inf if size == _UNDEFINED else self._reader.at + size
            yield from self.elements(encoding, item_end, signed=signed, depth=depth + 1)
            yield _written_mark(_ITEM_END, 0)
        yield _written_mark(_SEQUENCE_END, 0)

    def _value(self, encoding: _Encoding, tag: tuple[int, int], vr: str, length: int) -> Generator[bytes, None, bytes]:
        """A value; returns its first chunk as written."""
        swap = encoding.order != self._wanted.order
        if swap and length % _WORDS.get(vr, 1):
            raise UnreadableInstanceError("a value is not a whole number of words long")
        yield self._written_head(tag, vr, length)
        if self._skim and length > _LONG:
            self._reader.skip(length - _END)
            length = _END
        first = b""
        while length:
            chunk = self._reader.take(min(length, _CHUNK))
            length -= len(chunk)
            if swap and vr in _WORDS:
                chunk = _swapped(chunk, _WORDS[vr])
            yield chunk
            first = first or chunk
        return first

    def _written_head(self, tag: tuple[int, int], vr: str, length: int) -> bytes:
        head = struct.pack("<HH", *tag)
        if not self._wanted.explicit:
            return head + struct.pack("<I", length)
        if vr in _SHORT and length <= 0xFFFF:
            return head + vr.encode() + struct.pack("<H", length)
        # Too long for a short VR: UN has room (PS3.5 6.2.2).
        return head + (b"UN" if vr in _SHORT else vr.encode()) + struct.pack("<2xI", length)


def _written_mark(tag: tuple[int, int], length: int) -> bytes:
    return struct.pack("<HHI", *tag, length)


def _pair(encoding: _Encoding, data: bytes) -> tuple[int, int]:
    if len(data) < 4:
        raise UnreadableInstanceError("the data set ends within a tag")
    group, element = struct.unpack(encoding.order + "HH", data)
    return group, element


def _mark(encoding: _Encoding, data: bytes) -> tuple[tuple[int, int], int]:
    group, element, length = struct.unpack(encoding.order + "HHI", data)
    return (group, element), length


def _known_vr(tag: tuple[int, int], signed: bool) -> str:
    """The VR that the dictionary has, made definite as PS3.5 annex A.1 says; UN for what it has not."""
    group, element = tag
    if element == 0:
        return "UL"
    if group % 2:
        return "LO" if 0x10 <= element <= 0xFF else "UN"
    try:
        vr = dictionary_VR(group << 16 | element)
    except KeyError:
        return "UN"
    if "OW" in vr:
        return "OW"
    if vr == "US or SS":
        return "SS" if signed else "US"
    return vr


def _swapped(data: bytes, size: int) -> bytes:
    words = array.array(_ARRAYS[size], data)
    words.byteswap()
    return words.tobytes()
