"""Single frames of a stored instance, as their bytes are or without compression (PS3.5 8 and annex A.4)."""

from __future__ import annotations

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


def stored(of: Frames, index: int) -> bytes:
    """Frame `index`, from 0, as it is in the file. Raises `NothingToShowError` when the file is damaged."""
    with reopened(of.path) as file, refusing():
        if of.encapsulated:
            extents = fragments.frame(file, of.pixels.offset, index, of.count, of.table)
            return fragments.joined(file, extents)
        start, length = _place(of, index)
        file.seek(of.pixels.offset + start)
        data = file.read(length)
        if start + length > of.pixels.length or len(data) < length:
            raise ValueError("it ends in the middle of its pixel data")
        return data


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
