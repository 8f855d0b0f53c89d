"""Bulk data of a request, put aside until the metadata that name them are read."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from urllib.parse import urljoin

from appliance.dicom.encapsulate import Piece
from appliance.errors import StorageFullError
from appliance.spool.spool import Spool, disk_faults

_CHUNK = 1 << 18
_LOOK = 64 << 20
"""Bytes after which there is another look whether the disk has room."""
_FRAME = re.compile(r"(.*/frames)/([0-9]{1,6})")
_PIXELS = re.compile(r"/bulkdata/7FE00010$")


@dataclass
class _Stretch:
    """Where one part's bytes are."""

    media_type: str
    syntax: str
    frame: int
    start: int
    size: int = 0


class Shelf:
    """One file without a name: however the process ends, nothing is left of it. All but `begin` may block."""

    def __init__(self, folder: Path, spool: Spool, base: str) -> None:
        """In `folder`, while `spool` has room; `base` is the URL that others are relative to."""
        self._spool = spool
        self._base = base
        with disk_faults():
            self._file = TemporaryFile(dir=folder)  # noqa: SIM115 - `close` ends it
        self._size = self._next_look = 0
        self._known: dict[str, list[_Stretch]] = defaultdict(list)

    def begin(self, location: str, media_type: str, syntax: str) -> None:
        """The bytes that follow are of `location`; several of one are frames in order, as are `.../frames/{number}`."""
        place, number = self._place(location)
        self._last = _Stretch(media_type, syntax, number, self._size)
        self._known[place].append(self._last)

    def write(self, chunk: bytes) -> None:
        """The next bytes. Raises `StorageFullError`."""
        if self._size >= self._next_look:
            self._next_look = self._size + _LOOK
            if self._spool.free() <= 0:
                raise StorageFullError("The disk is nearly full: new images are refused.")
        with disk_faults():
            self._file.write(chunk)
            self._file.flush()
        self._size += len(chunk)
        self._last.size += len(chunk)

    def pieces(self, uri: str) -> Sequence[Piece]:
        """What came for a BulkDataURI; where it names pixel data as we do, their frames will do, too."""
        place, _ = self._place(uri)
        found = self._known.get(place) or self._known.get(_PIXELS.sub("/frames", place), [])
        return [
            Piece(each.media_type, each.syntax, each.size, partial(self._read, each.start, each.size))
            for each in sorted(found, key=lambda each: each.frame)
        ]

    def close(self) -> None:
        """Let go of the space."""
        with suppress(OSError):  # a full disk says so once more for what it did not take
            self._file.close()

    def _read(self, start: int, size: int) -> Iterator[bytes]:
        for done in range(0, size, _CHUNK):
            yield os.pread(self._file.fileno(), min(_CHUNK, size - done), start + done)

    def _place(self, location: str) -> tuple[str, int]:
        """Which URL, and of a frame's the number."""
        try:
            place = urljoin(self._base, location)
        except ValueError:
            place = location
        named = _FRAME.fullmatch(place)
        return (named[1], int(named[2])) if named else (place, 0)
