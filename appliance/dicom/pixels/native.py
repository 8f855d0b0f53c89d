"""Uncompressed pixels (PS3.5 8.1.1, 8.2): a frame is found by arithmetic and read alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.dicom.pixels.layout import Decoded, Layout
from appliance.dicom.source import Bulk, Source


def decode(source: Source, bulk: Bulk, layout: Layout, index: int) -> Decoded:
    """Frame `index` (from 0) of native pixel data. Raises `ValueError` when the file ends before it does."""
    halved = _is_422(layout, bulk)
    bits = layout.frame_bits * 2 // 3 if halved else layout.frame_bits
    start, skip = divmod(index * bits, 8)
    length = (skip + bits + 7) // 8
    if start + length > bulk.length:
        raise ValueError(f"it has {bulk.length} bytes of pixels, {start + length} are needed")
    swapped = source.order == ">" and bulk.vr == "OW" and layout.allocated <= 8
    data = read(source, bulk.offset + start, length, swapped)
    if len(data) < length:
        raise ValueError("it ends in the middle of its pixel data")
    if halved:
        return _from_422(data, layout)
    return unpacked(data, layout, source.order, skip)


def unpacked(data: bytes, layout: Layout, order: str = "<", skip: int = 0) -> Decoded:
    """A whole frame's bytes as values; `skip` is the number of bits before the first."""
    count = layout.pixels * layout.samples
    if layout.allocated % 8:
        values = _from_bits(data, layout.allocated, skip, count)
    else:
        kind = f"{order}{'f' if layout.floating else 'u'}{layout.allocated // 8}"
        values = np.frombuffer(data, kind, count)
        values = values.astype(values.dtype.newbyteorder("="), copy=False)
    return Decoded(in_shape(values, layout, layout.by_plane), layout.stored, layout.shift, layout.photometric)


def in_shape(values: NDArray[Any], layout: Layout, by_plane: bool) -> NDArray[Any]:
    """Flat values as (rows, columns) or (rows, columns, 3)."""
    if layout.samples == 1:
        return values.reshape(layout.rows, layout.columns)
    if by_plane:
        return np.moveaxis(values.reshape(layout.samples, layout.rows, layout.columns), 0, -1)
    return values.reshape(layout.rows, layout.columns, layout.samples)


def read(source: Source, offset: int, length: int, swapped: bool) -> bytes:
    """Bytes of a value in the file, fewer where it ends; `swapped` for single bytes and bits in words of big endian."""
    if not swapped:
        source.file.seek(offset)
        return source.file.read(length)
    # Big endian OW swaps the bytes of each word, those of 8-bit pixels too (PS3.5 8.1.1, annex D); the value
    # begins at an even offset.
    lead = offset % 2
    source.file.seek(offset - lead)
    words = source.file.read((lead + length + 1) // 2 * 2)
    return np.frombuffer(words, ">u2", len(words) // 2).astype("<u2").tobytes()[lead : lead + length]


def _from_bits(data: bytes, bits: int, skip: int, count: int) -> NDArray[Any]:
    """Values packed without gaps, the lowest bit first: of one bit, or the twelve of ACR-NEMA's days."""
    flat = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")[skip : skip + count * bits]
    if bits == 1:
        return flat
    padded = np.zeros((count, 16), np.uint8)
    padded[:, :bits] = flat.reshape(count, bits)
    return np.packbits(padded, axis=1, bitorder="little").view("<u2").ravel()


def _is_422(layout: Layout, bulk: Bulk) -> bool:
    """Whether the chroma is halved; some files say so and have all of it, which their length tells."""
    return (
        layout.samples == 3
        and layout.allocated == 8
        and layout.photometric.endswith("_422")
        and bulk.length * 8 < layout.frame_bits * layout.frames
    )


def _from_422(data: bytes, layout: Layout) -> Decoded:
    """Two pixels share their chroma, in the order Y1 Y2 Cb Cr (PS3.3 C.7.6.3.1.2)."""
    pairs = np.frombuffer(data, np.uint8, layout.pixels * 2).reshape(-1, 4)
    values = np.stack([pairs[:, :2].ravel(), pairs[:, 2].repeat(2), pairs[:, 3].repeat(2)], axis=-1)
    return Decoded(in_shape(values.ravel(), layout, by_plane=False), 8, 0, layout.photometric)
