"""Encapsulated pixel data taken apart: fragments, and which of them make a frame (PS3.5 A.4)."""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

Extent = tuple[int, int]
"""Offset and length in bytes."""

_ITEM = 0xFFFEE000
_END_OF_IMAGE = b"\xff\xd9"
_END_SEEN_WITHIN = 10
"""Writers pad behind the end marker, by a byte to an even length and some by more."""


def fragments(file: BinaryIO, offset: int) -> tuple[list[int], list[Extent]]:
    """The Basic Offset Table, empty when unusable, and the fragments of the value at `offset`.

    Raises `ValueError` when the file ends within a fragment.
    """
    (table, *found) = _items(file, offset) or [(offset, 0)]
    file.seek(table[0])
    raw = file.read(table[1] // 4 * 4)
    return list(struct.unpack(f"<{len(raw) // 4}I", raw)), found


def frame(file: BinaryIO, offset: int, index: int, frames: int, table: bytes = b"") -> list[Extent]:
    """The fragments of one frame, counted from 0; `table` is the Extended Offset Table (7FE0,0001).

    Offset tables of real files are often wrong, so one is believed only where it points at fragments.
    Raises `ValueError` when there is no such frame.
    """
    basic, found = fragments(file, offset)
    if frames == 1 and found:
        return found
    if len(found) == frames:
        return [found[index]]
    extended = list(struct.unpack(f"<{len(table) // 8}Q", table[: len(table) // 8 * 8]))
    for starts in (extended, basic):
        if len(starts) == frames and (some := _between(found, starts, index)):
            return some
    return _by_end_marker(file, found, index)


def joined(file: BinaryIO, extents: list[Extent]) -> bytes:
    """The bytes of the fragments, one after the other."""
    parts = []
    for offset, length in extents:
        file.seek(offset)
        parts.append(file.read(length))
    return b"".join(parts)


def _items(file: BinaryIO, offset: int) -> list[Extent]:
    end = file.seek(0, os.SEEK_END)
    items = []
    while offset + 8 <= end:
        file.seek(offset)
        group, element, length = struct.unpack("<HHI", file.read(8))
        if group << 16 | element != _ITEM:
            break
        if offset + 8 + length > end:
            raise ValueError("it ends in the middle of its pixel data")
        items.append((offset + 8, length))
        offset += 8 + length
    return items


def _between(found: list[Extent], starts: list[int], index: int) -> list[Extent]:
    """The fragments from one offset of a table to the next; empty when it doesn't point at fragments."""
    first = found[0][0] if found else 0
    at = {offset - first: place for place, (offset, _) in enumerate(found)}
    begin = at.get(starts[index])
    end = at.get(starts[index + 1]) if index + 1 < len(starts) else len(found)
    return [] if begin is None or end is None else found[begin:end]


def _by_end_marker(file: BinaryIO, found: list[Extent], index: int) -> list[Extent]:
    """Without a usable table, a frame ends where a fragment ends with the JPEG end marker."""
    frame: list[Extent] = []
    for offset, length in found:
        frame.append((offset, length))
        file.seek(offset + max(0, length - _END_SEEN_WITHIN))
        if _END_OF_IMAGE not in file.read(min(length, _END_SEEN_WITHIN)):
            continue
        if not index:
            return frame
        frame, index = [], index - 1
    if frame and not index:
        return frame
    raise ValueError("it holds fewer frames than it says")
