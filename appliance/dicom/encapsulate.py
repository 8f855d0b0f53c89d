"""Compressed pixel data as they are written: each frame a fragment, and a table of where they begin (PS3.5 A.4)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

ITEM, ITEM_END, SEQUENCE_END = ((0xFFFE, element) for element in (0xE000, 0xE00D, 0xE0DD))
_MOST = 0xFFFFFFFE
_FRAGMENT = 1 << 30
"""Bytes of a film that are one fragment at most (PS3.5 8.2.7)."""


@dataclass(frozen=True)
class Piece:
    """Bulk data that came: a value, or one frame of it."""

    media_type: str
    """In lower case."""
    syntax: str
    """The transfer syntax that it came with; empty when it didn't say."""
    size: int
    read: Callable[[], Iterator[bytes]]


def encapsulated(pieces: Sequence[Piece], *, film: bool) -> Iterator[bytes]:
    """What stands behind the head of compressed pixel data: the table, then frames, or the one film."""
    places = [*accumulate((8 + piece.size + piece.size % 2 for piece in pieces), initial=0)][:-1]
    table = struct.pack(f"<{len(places)}I", *places) if len(places) > 1 and places[-1] <= _MOST else b""
    yield delimiter(ITEM, len(table)) + table
    for piece in pieces:
        yield from _fragments(piece) if film else _fragment(piece.size, piece.read())
    yield delimiter(SEQUENCE_END, 0)


def _fragment(size: int, chunks: Iterable[bytes]) -> Iterator[bytes]:
    yield delimiter(ITEM, size + size % 2)
    yield from chunks
    yield b"\0" * (size % 2)


def _fragments(film: Piece) -> Iterator[bytes]:
    """A film in fragments of a gigabyte; `read` gives chunks that divide it."""
    left, within = film.size, 0
    for chunk in film.read():
        if not within:
            within = min(left, _FRAGMENT)
            yield delimiter(ITEM, within + within % 2)
        yield chunk
        left, within = left - len(chunk), within - len(chunk)
    yield b"\0" * (film.size % 2)


def delimiter(tag: tuple[int, int], length: int) -> bytes:
    """The head of an item, or the end of one or of a sequence (PS3.5 7.5)."""
    return struct.pack("<HHI", *tag, length)
