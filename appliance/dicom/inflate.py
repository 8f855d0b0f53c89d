"""Deflated data sets (PS3.5 A.5), inflated within bounds."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import BinaryIO

from appliance.errors import UnreadableInstanceError

_MAX = 1 << 28
"""A deflated data set may not grow beyond this: it is a bomb, not an image."""
_CHUNK = 1 << 18


def beginning(file: BinaryIO, keep: int, check: bool = True) -> tuple[bytes, bool]:
    """The first `keep` bytes that the rest of `file` inflates to, and whether they are all.

    To `check`, what follows is inflated too, and let go at once. Raises `UnreadableInstanceError` at damage, and
    at what grows beyond 256 MB.
    """
    kept = bytearray()
    grown = 0
    for plain in _inflated(file):
        grown += len(plain)
        if grown > _MAX:
            raise UnreadableInstanceError(f"the deflated data set grows beyond {_MAX >> 20} MB")
        kept += plain[: keep - len(kept)]
        if grown > keep and not check:
            break
    return bytes(kept), grown <= keep


def _inflated(file: BinaryIO) -> Iterator[bytes]:
    unpack = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        while not unpack.eof and (packed := file.read(_CHUNK)):
            plain = unpack.decompress(packed, _CHUNK)
            yield plain
            while not unpack.eof and (unpack.unconsumed_tail or len(plain) == _CHUNK):
                plain = unpack.decompress(unpack.unconsumed_tail, _CHUNK)
                yield plain
    except zlib.error as fault:
        raise UnreadableInstanceError(f"the deflated data set is damaged: {fault}") from fault
