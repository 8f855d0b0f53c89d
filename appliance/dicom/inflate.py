"""Deflated data sets (PS3.5 A.5), inflated within bounds."""

from __future__ import annotations

import io
import zlib
from typing import Any, BinaryIO

from appliance.errors import UnreadableInstanceError

_MAX = 1 << 28
"""A deflated data set may not grow beyond this: it is a bomb, not an image."""
_CHUNK = 1 << 17


class Inflated(io.RawIOBase):
    """What the rest of `file` inflates to, from 0, a little of it in memory at a time; going back begins anew.

    Raises `UnreadableInstanceError` where it is damaged, or grows beyond 256 MB. Seeking beyond its end stays there.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._start = file.tell()
        self._begin()

    def _begin(self) -> None:
        self._file.seek(self._start)
        self._unpack = zlib.decompressobj(-zlib.MAX_WBITS)
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """Forwards by reading on, backwards by beginning anew."""
        return True

    def readinto(self, buffer: Any) -> int:
        """As any raw file does."""
        plain = self._more(len(buffer))
        buffer[: len(plain)] = plain
        return len(plain)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As any raw file does, but for the end (see above)."""
        if whence == io.SEEK_END:
            while self._more(_CHUNK):
                pass
        target = offset if whence == io.SEEK_SET else self._at + offset
        if target < self._at:
            self._begin()
        while self._at < target and self._more(min(_CHUNK, target - self._at)):
            pass
        return self._at

    def _more(self, most: int) -> bytes:
        """The next bytes, at most so many; none at the end."""
        while not self._unpack.eof:
            packed = self._unpack.unconsumed_tail or self._file.read(_CHUNK)
            try:
                plain = self._unpack.decompress(packed, most)
            except zlib.error as fault:
                raise UnreadableInstanceError(f"the deflated data set is damaged: {fault}") from fault
            self._at += len(plain)
            if self._at > _MAX:
                raise UnreadableInstanceError(f"the deflated data set grows beyond {_MAX >> 20} MB")
            if plain or not packed:
                return plain
        return b""


def buffered(file: BinaryIO) -> BinaryIO:
    """The rest of `file` inflated, for reading in small pieces."""
    return io.BufferedReader(Inflated(file), _CHUNK)


def beginning(file: BinaryIO, keep: int, check: bool = True) -> tuple[bytes, bool]:
    """The first `keep` bytes that the rest of `file` inflates to, and whether they are all.

    To `check`, what follows is inflated too, and let go at once. Raises as `Inflated` does.
    """
    plain = Inflated(file)
    kept = bytearray()
    while len(kept) < keep and (more := plain.read(min(_CHUNK, keep - len(kept)))):
        kept += more
    whole = not plain.read(1)
    if check:
        plain.seek(0, io.SEEK_END)
    return bytes(kept), whole
