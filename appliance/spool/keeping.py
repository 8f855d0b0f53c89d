"""An instance on its way into the spool: one file, one flush.

```
draft (locked): data set, written as it comes; then its header, which says how long it is --fsync--> readable: an entry
     `--discard, or its writer dies: nothing is left
```
The file is made in `new` under its final name, since a rename would be a second change to flush, and one that the
kernel lets only one thread of the file system make at a time. A draft is told by its mode (the sticky bit, which
means nothing on files); who writes it holds its lock, which the kernel frees however a process ends.

One fsync of a new file makes its name durable too, where `durable.Place` says so. The mode is changed after it and
not flushed: whatever was answered with success is, after a power cut, an entry or a draft that is complete.
`recover` tells the latter from a draft that was cut short: there the header is missing, or the length is another, or
blocks were never written.
"""

from __future__ import annotations

import fcntl
import os
import stat
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from appliance.dicom import part10
from appliance.errors import UnreadableInstanceError
from appliance.spool.room import Room
from appliance.storage.durable import Place, begin_writing

_DRAFT = 0o600 | stat.S_ISVTX
_ENTRY = 0o440
_EARLY = 128 << 10
"""Bytes that the disk is given at a time before the flush: pages of whatever size, whole, so none is written twice."""
_HEADER = max(4 << 10, os.sysconf("SC_PAGE_SIZE"))
"""Bytes in which the header is, which comes last: to give the disk these early would be to write them twice.

Whole pages, since a page is written as one: a Raspberry Pi 5 has those of 16 KB.
"""
_LOOK = 4 << 20
"""Bytes after which there is another look whether the disk has room: all associations at once get so far beyond it."""


@dataclass(frozen=True)
class Entry:
    """An instance in the spool."""

    file: str

    @cached_property
    def path(self) -> Path:
        """The same, for who needs more of it than its name: making one takes longer than opening the file."""
        return Path(self.file)

    @property
    def name(self) -> str:
        """Its name without the ending."""
        return self.path.stem


class Keeping:
    """The draft: write, then `commit`; anything else leaves nothing behind."""

    def __init__(self, place: Place, room: Room, name: str, head: bytes) -> None:
        """Make it; `head` will be its Part 10 header. Raises OSError."""
        self._place = place
        self._room = room
        self._head = head
        self._path = f"{place.folder}/{name}"
        self._descriptor = _locked(self._path)
        self.size = 0
        """Bytes of the data set so far."""
        self._begun = _HEADER
        self._next_look = _LOOK

    @property
    def path(self) -> Path:
        """The file, now and once it is an entry; as a draft it has no header."""
        return Path(self._path)

    def write(self, chunk: bytes | bytearray | memoryview) -> int:
        """Append bytes of the data set. Raises OSError, and `StorageFullError` when it would fill the disk."""
        size = len(chunk)
        self._put_behind_header(chunk)
        self.size += size
        if self.size >= self._begun + _EARLY:
            self._begin_writing()
        if self.size >= self._next_look:
            self._next_look += _LOOK
            self._room.check()
        return size

    def read(self, count: int) -> bytes:
        """The first bytes of the data set."""
        return os.pread(self._descriptor, count, len(self._head))

    def finish(self) -> None:
        """The data set is whole: write the header. Raises OSError."""
        self._put(part10.sealed(self._head, self.size), 0)

    def commit(self) -> Entry:
        """Make it durable and an entry, also where `finish` was not called. After this it is safe."""
        self.finish()
        os.fsync(self._descriptor)
        self._place.flush_names()
        os.fchmod(self._descriptor, _ENTRY)
        self._close()
        return Entry(self._path)

    def discard(self) -> None:
        """Leave nothing behind; after `commit` it does nothing."""
        if self._descriptor >= 0:
            try:
                self.path.unlink()
            finally:
                self._close()

    def _put_behind_header(self, chunk: bytes | bytearray | memoryview) -> None:
        """The header's page by itself: a larger one, with what follows, would be written as a whole once more."""
        at = len(self._head) + self.size
        if at < _HEADER < at + len(chunk):
            within = _HEADER - at
            self._put(memoryview(chunk)[:within], at)
            chunk, at = memoryview(chunk)[within:], _HEADER
        self._put(chunk, at)

    def _put(self, chunk: bytes | bytearray | memoryview, at: int) -> None:
        written = os.pwrite(self._descriptor, chunk, at)
        while written < len(chunk):
            written += os.pwrite(self._descriptor, memoryview(chunk)[written:], at + written)

    def _begin_writing(self) -> None:
        """Let the disk begin with what is here while the rest is still on its way."""
        end = self.size & -_EARLY
        begin_writing(self._descriptor, self._begun, end - self._begun)
        self._begun = end

    def _close(self) -> None:
        os.close(self._descriptor)
        self._descriptor = -1


def _locked(path: str) -> int:
    """A new draft, open and locked."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _DRAFT)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_nlink:
                return descriptor
        except BlockingIOError:
            pass
        # `recover` took it for one whose writer has died, in the instant before it was locked.
        os.close(descriptor)


def is_entry(path: Path | str) -> bool:
    """Whether there is an entry at `path`: not a draft, nor gone."""
    try:
        return not os.stat(path).st_mode & stat.S_ISVTX  # noqa: PTH116 - see `Entry`
    except FileNotFoundError:
        return False


def recover(place: Place, path: Path) -> bool:
    """If the writer of the draft at `path` died: make it an entry when it is complete, else remove it.

    Returns whether it is an entry now.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    with os.fdopen(descriptor, "r+b", buffering=0):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False  # it is being written
        if not path.exists() or is_entry(path):
            return path.exists()
        os.fsync(descriptor)
        if not _is_complete(place, descriptor):
            path.unlink()
            return False
        place.flush_names()
        os.fchmod(descriptor, _ENTRY)
        return True


def _is_complete(place: Place, descriptor: int) -> bool:
    if place.lacks_blocks(descriptor):
        return False
    size = os.fstat(descriptor).st_size
    try:
        with os.fdopen(os.dup(descriptor), "rb") as file:
            meta = part10.read(file)
    except UnreadableInstanceError:
        return False
    return bool(meta.data_size) and meta.length + meta.data_size == size
