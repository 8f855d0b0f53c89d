"""The body of a STOW-RS request (PS3.18 10.5.1): files, one after the other, read while they are sent."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from appliance.storage.rows import TransferItem

_CHUNK = 1 << 16
"""Bytes a write: so many get through a slow line before it is taken for dead."""
_HEAD = b"Content-Type: application/dicom\r\n\r\n"


@dataclass(frozen=True)
class File:
    """An instance as it goes out."""

    item: TransferItem
    head: bytes
    """What stands before the bytes of `open`."""
    size: int
    """Bytes that come from `open`."""
    open: Callable[[], BinaryIO]
    """At the first of them. Raises OSError."""
    close: Callable[[], object] = lambda: None
    """Nothing more will be read."""


class CutOffError(Exception):
    """The body was not sent to its end: `item` could not be read, or none when whoever sends was told to stop."""

    def __init__(self, item: TransferItem | None, fault: Exception | None = None) -> None:
        super().__init__("the body was cut off")
        self.item = item
        self.fault = fault


class Body:
    """Several files; it says its length beforehand, so that no server needs to know chunks."""

    def __init__(self, files: Sequence[File], stopped: Callable[[], bool]) -> None:
        self._files = files
        self._stopped = stopped
        # Long and random: nobody must find it in the bytes of images.
        boundary = f"pacsbox-{secrets.token_hex(24)}"
        self.content_type = f'multipart/related; type="application/dicom"; boundary={boundary}'
        self._mark = f"--{boundary}\r\n".encode() + _HEAD
        self._end = f"--{boundary}--\r\n".encode()
        self.is_whole = False
        """Whether it went out to its end."""

    def __len__(self) -> int:
        frames = (len(self._mark) + 2) * len(self._files) + len(self._end)
        return frames + sum(len(file.head) + file.size for file in self._files)

    def __iter__(self) -> Iterator[bytes]:
        """Pieces to send. Raises `CutOffError`."""
        for file in self._files:
            yield self._mark + file.head
            try:
                yield from self._pieces(file)
            except (OSError, EOFError) as fault:
                raise CutOffError(file.item, fault) from fault
            yield b"\r\n"
        yield self._end
        self.is_whole = True

    def _pieces(self, file: File) -> Iterator[bytes]:
        left = file.size
        with file.open() as source:
            os.posix_fadvise(source.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
            while left:
                if self._stopped():
                    raise CutOffError(None)
                piece = source.read(min(_CHUNK, left))
                if not piece:
                    raise EOFError(f"the file has {left} bytes less than it should have")
                left -= len(piece)
                yield piece
