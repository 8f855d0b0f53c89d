"""Overlay planes (PS3.3 C.9.2): graphics and outlines of regions in white over the picture, as other viewers have them.

A plane has one bit a pixel, in data of its own or, as was done until 2004, in bits that the pixels do not use. What is
damaged of it is left out: the picture is shown all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from appliance.dicom.pixels import lenient, native
from appliance.dicom.pixels.layout import MAX_SAMPLES, Decoded, Layout
from appliance.dicom.source import OVERLAY_GROUPS, UNDEFINED, Bulk, Source

Marks = NDArray[np.bool_]
"""Of every pixel of the picture, whether it is marked."""

_ROWS, _COLUMNS, _FRAMES, _TYPE, _ORIGIN = 0x0010, 0x0011, 0x0015, 0x0040, 0x0050
_FIRST_FRAME, _ALLOCATED, _POSITION = 0x0051, 0x0100, 0x0102
TAGS = frozenset(
    group << 16 | element
    for group in OVERLAY_GROUPS
    for element in (_ROWS, _COLUMNS, _FRAMES, _TYPE, _ORIGIN, _FIRST_FRAME, _ALLOCATED, _POSITION)
)
"""What the header says of them."""
_WHITE = 255


def apart(decoded: Decoded, header: Dataset, layout: Layout) -> Decoded:
    """`decoded` without the bits of overlays, which a codec takes for the picture's."""
    if decoded.bits > layout.stored and any(_in_pixels(header, group, layout) for group in OVERLAY_GROUPS):
        return replace(decoded, bits=layout.stored)
    return decoded


def over(picture: NDArray[np.uint8], decoded: Decoded, source: Source, layout: Layout, frame: int) -> NDArray[np.uint8]:
    """`picture`, of frame `frame` (from 1), with its overlays in white; a new one where there are any."""
    every: Marks | None = None
    for marks in _planes(decoded, source, layout, frame):
        every = marks if every is None else np.logical_or(every, marks, out=every)
    return picture if every is None else np.where(_like(every, picture), np.uint8(_WHITE), picture)


def _like(marks: Marks, picture: NDArray[np.uint8]) -> Marks:
    return marks[..., None] if picture.ndim == 3 else marks


def _planes(decoded: Decoded, source: Source, layout: Layout, frame: int) -> Iterator[Marks]:
    for group in OVERLAY_GROUPS:
        if data := source.overlay(group):
            marks = _beside(data, source, group, layout, frame)
        elif _in_pixels(source.header, group, layout):
            marks = _within(decoded, source.header, group, layout)
        else:
            continue
        # One that covers everything is damaged, or of no use.
        if marks is None or marks.all():
            continue
        yield _outline(marks) if lenient.text(source.header, group << 16 | _TYPE) == "R" else marks


def _number(header: Dataset, group: int, element: int) -> int:
    """0 where there is none."""
    return int(lenient.number(header, group << 16 | element) or 0)


def _beside(data: Bulk, source: Source, group: int, layout: Layout, frame: int) -> Marks | None:
    """From data of its own: only what lies on the picture is read."""
    rows, columns = _number(source.header, group, _ROWS), _number(source.header, group, _COLUMNS)
    index = _index(source.header, group, frame)
    if index is None or data.length == UNDEFINED or (index + 1) * rows * columns > data.length * 8:
        return None
    top, left = _origin(source.header, group)
    above, below = max(0, -top), min(rows, layout.rows - top)
    before, behind = max(0, -left), min(columns, layout.columns - left)
    count = (below - above) * columns
    if above >= below or before >= behind or count > MAX_SAMPLES:
        return None
    # Frames follow each other without a gap, and need not end with a byte.
    start, skip = divmod((index * rows + above) * columns, 8)
    size = (skip + count + 7) // 8
    packed = native.read(source, data.offset + start, size, source.order == ">" and data.vr == "OW")
    if len(packed) < size:
        return None
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), count=skip + count, bitorder="little")[skip:]
    marks = np.zeros((layout.rows, layout.columns), np.bool_)
    part = bits.reshape(below - above, columns)[:, before:behind]
    marks[top + above : top + below, left + before : left + behind] = part
    return marks


def _origin(header: Dataset, group: int) -> tuple[int, int]:
    """How far below and to the right of the picture's first pixel it begins; less than 0 is above and to the left."""
    said = lenient.numbers(header, group << 16 | _ORIGIN)
    return (int(said[0]) - 1, int(said[1]) - 1) if len(said) >= 2 else (0, 0)


def _index(header: Dataset, group: int, frame: int) -> int | None:
    """Which of its frames belongs to that of the picture (PS3.3 C.9.3); one that names no frame belongs to all."""
    count = max(1, _number(header, group, _FRAMES))
    first = _number(header, group, _FIRST_FRAME)
    if count == 1 and first < 1:
        return 0
    index = frame - max(1, first)
    return index if 0 <= index < count else None


def _in_pixels(header: Dataset, group: int, layout: Layout) -> bool:
    """Whether it says to be in a bit that the pixels do not use."""
    # BaseTag compares in Python, and most have none: `keys` spares that.
    if group << 16 | _POSITION not in header.keys():  # noqa: SIM118
        return False
    position = _number(header, group, _POSITION)
    used = range(layout.shift, layout.shift + layout.stored)
    return (
        _number(header, group, _ALLOCATED) == layout.allocated
        and position in range(layout.allocated)
        and (position not in used)
    )


def _within(decoded: Decoded, header: Dataset, group: int, layout: Layout) -> Marks | None:
    """From the bits that the pixels do not use; such planes are of the picture's size, and of its frames."""
    position, values = _number(header, group, _POSITION), decoded.values
    if values.ndim != 2 or layout.floating or position >= 8 * values.dtype.itemsize:
        return None
    marks = _bit(values, position)
    # Some fill these bits with the sign, and say that there is an overlay.
    if layout.signed and np.array_equal(marks, _bit(values, decoded.shift + decoded.bits - 1)):
        return None
    return marks


def _bit(values: NDArray[Any], position: int) -> Marks:
    return np.asarray(values & values.dtype.type(1 << position), np.bool_)


def _outline(marks: Marks) -> Marks:
    """The marked pixels beside one that isn't: what is in a region is what is to be seen."""
    padded = np.pad(marks, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return marks & ~inside
