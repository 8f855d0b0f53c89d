"""Single frames of a stored instance, as their bytes are or without compression (PS3.5 8 and annex A.4)."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from appliance.dicom import decompress, fragments
from appliance.dicom.pixels import layout as layouts
from appliance.dicom.pixels import native
from appliance.dicom.pixels.decode import COMPRESSED
from appliance.dicom.pixels.layout import Layout
from appliance.dicom.source import UNDEFINED, Bulk, NothingToShowError, Source, opened, refusing, reopened

EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
_EXPLICIT_BIG = "1.2.840.10008.1.2.2"
_DEFLATED = "1.2.840.10008.1.2.1.99"
_IMPLICIT_LITTLE = "1.2.840.10008.1.2"
_PLAIN = (EXPLICIT_LITTLE, _IMPLICIT_LITTLE)
_LONGEST = 0xFFFFFFFE
_EXPLICIT_HEAD, _IMPLICIT_HEAD = struct.Struct("<HH2sHI"), struct.Struct("<HHI")
"""Of an element, up to its value."""
_KEYWORDS = (*layouts.KEYWORDS, "ExtendedOffsetTable")


@dataclass(frozen=True)
class Frames:
    """Where an instance's frames are."""

    path: Path
    syntax: str
    """Transfer syntax of the file."""
    count: int
    pixels: Bulk
    layout: Layout
    table: bytes
    """The Extended Offset Table, or nothing."""

    @property
    def encapsulated(self) -> bool:
        """Whether each is compressed by itself."""
        return self.pixels.length == UNDEFINED

    @property
    def decodable(self) -> bool:
        """Whether they can be had without compression."""
        return not self.encapsulated or self.syntax in COMPRESSED


def frames(path: Path) -> Frames:
    """The frames of the instance at `path`. Raises `NothingToShowError` when it has none."""
    with opened(path, _KEYWORDS) as source, refusing():
        layout, pixels = layouts.layout(source), layouts.pixels_of(source)
        table = source.header.get("ExtendedOffsetTable")
        return Frames(path, source.syntax, layout.frames, pixels, layout, table if isinstance(table, bytes) else b"")


def at_the_end(path: Path, syntax: str, size: tuple[int, int], bits: int, count: int) -> Frames | None:
    """The same without reading the header, of greys that the file ends with; None where it doesn't, or may not.

    `size` is rows and columns, `bits` are allocated for a pixel. Raises FileNotFoundError.
    """
    rows, columns = size
    if syntax not in _PLAIN or bits % 8 or not 0 < rows * columns * bits * count // 8 < _LONGEST:
        return None
    layout = Layout(rows, columns, 1, "", False, count, bits, bits, 0, False, False)
    length = layout.frame_bits // 8 * count
    length += length % 2
    heads = [_IMPLICIT_HEAD.pack(0x7FE0, 0x0010, length)] if syntax == _IMPLICIT_LITTLE else []
    heads += [_EXPLICIT_HEAD.pack(0x7FE0, 0x0010, vr, 0, length) for vr in (b"OW", b"OB") if syntax == EXPLICIT_LITTLE]
    with path.open("rb") as file:
        offset = os.fstat(file.fileno()).st_size - length
        if offset < len(heads[0]) or os.pread(file.fileno(), len(heads[0]), offset - len(heads[0])) not in heads:
            return None
    return Frames(path, syntax, count, Bulk("", offset, length), layout, b"")


def stored(of: Frames, index: int) -> bytes:
    """Frame `index`, from 0, as it is in the file. Raises `NothingToShowError` when the file is damaged."""
    with reopened(of.path) as file, refusing():
        if of.encapsulated:
            extents = fragments.frame(file, of.pixels.offset, index, of.count, of.table)
            return fragments.joined(file, extents)
        start, length = _place(of, index)
        file.seek(of.pixels.offset + start)
        data = file.read(length)
        _check_whole(of, start + length, of.pixels.offset + start + len(data))
        return data


def stretch(of: Frames, index: int) -> tuple[int, int] | None:
    """Offset and length of frame `index`, from 0, where the file's own bytes are the frame, in one piece; else None.

    For a compressed frame that is as it is stored, for another as Explicit VR Little Endian has it. Raises as
    `stored` does.
    """
    if of.syntax in (_DEFLATED, _EXPLICIT_BIG):
        return None
    with of.path.open("rb") as file, refusing():
        if of.encapsulated:
            extents = fragments.frame(file, of.pixels.offset, index, of.count, of.table)
            return extents[0] if len(extents) == 1 else None
        start, length = _place(of, index)
        if of.layout.frame_bits % 8:
            return None
        _check_whole(of, start + length, os.fstat(file.fileno()).st_size)
        return of.pixels.offset + start, length


def plain(of: Frames, index: int) -> bytes:
    """Frame `index`, from 0, as it would be in Explicit VR Little Endian; colours of compressed ones as RGB.

    Meant for worker processes where `of.encapsulated`. Raises `NothingToShowError` when it can't be had.
    """
    if of.encapsulated:
        return decompress.frame(of.path, index)
    if of.syntax != _EXPLICIT_BIG and of.layout.frame_bits % 8 == 0:
        return stored(of, index)
    with opened(of.path, _KEYWORDS) as source, refusing():
        return _rearranged(source, of, index)


def _place(of: Frames, index: int) -> tuple[int, int]:
    """First byte and length of a native frame; all are as long, however their colours are packed."""
    length = of.layout.frame_bits // 8
    if of.layout.samples == 3 and of.pixels.length < length * of.count:
        length = of.pixels.length // of.count  # halved chroma (PS3.3 C.7.6.3.1.2)
    return index * length, length


def _check_whole(of: Frames, end: int, size: int) -> None:
    """Raise ValueError unless pixel data up to `end` is there, in a file of `size`."""
    if end > of.pixels.length or of.pixels.offset + end > size:
        raise ValueError("it ends in the middle of its pixel data")


def _rearranged(source: Source, of: Frames, index: int) -> bytes:
    """From the other byte order, or from where frames don't begin with a byte."""
    values = native.decode(source, of.pixels, of.layout, index).values
    if of.layout.by_plane:
        values = np.moveaxis(values, -1, 0)
    if of.layout.allocated == 1:
        return np.packbits(values.ravel(), bitorder="little").tobytes()
    if of.layout.allocated % 8:
        raise NothingToShowError(f"Pixels of {of.layout.allocated} bits cannot be had singly.")
    return values.astype(values.dtype.newbyteorder("<")).tobytes()
