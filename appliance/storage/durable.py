"""Making files and folders survive a power cut, written once."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from pathlib import Path

_NAMES_WITH_FILES = frozenset(("ext4", "xfs", "btrfs", "tmpfs"))
"""Where the flush of a new file makes its name durable: both are in one transaction of the journal.

Each was put to the test of tests/journey/test_power_cut.py; tmpfs promises nothing that could be lost.
"""
_HOLES_TELL = frozenset(("ext4", "xfs", "btrfs"))
"""Where SEEK_HOLE finds blocks that were allocated and never written, and nothing in a file that is whole."""
_SYNC_FILE_RANGE_WRITE = 2
_libc = ctypes.CDLL(None)
_libc.sync_file_range.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
_MOUNTS = Path("/proc/self/mountinfo")


class Place:
    """A folder in which files are made durable, with what its file system promises."""

    def __init__(self, folder: Path) -> None:
        """Find out what the file system promises; one that isn't known promises nothing."""
        kind = file_system(folder)
        self.folder = folder
        self._names_with_files = kind in _NAMES_WITH_FILES
        self._holes_tell = kind in _HOLES_TELL

    def flush_names(self) -> None:
        """Make the names of files durable that were made, and flushed, in the folder."""
        if not self._names_with_files:
            fsync_folder(self.folder)

    def lacks_blocks(self, descriptor: int) -> bool:
        """Whether blocks of a file that is flushed were never written; False where that can't be found out.

        Its length may reach the disk before they do, or be that of a later part which was written first. The file
        is at its beginning after this.
        """
        size = os.fstat(descriptor).st_size
        if not self._holes_tell or not size:
            return False
        # What was read of such a block is a page of zeros in memory, which ext4 and xfs then count as data.
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        hole = os.lseek(descriptor, 0, os.SEEK_HOLE)
        os.lseek(descriptor, 0, os.SEEK_SET)
        return hole < size


def begin_writing(descriptor: int, at: int, size: int) -> None:
    """Tell the kernel to write these bytes of a file now, without waiting: a flush later has less to do."""
    _libc.sync_file_range(descriptor, at, size, _SYNC_FILE_RANGE_WRITE)


def file_system(folder: Path) -> str:
    """The kind of file system that `folder` is in, such as `ext4`; empty where it can't be found out."""
    try:
        mounts = [line.split(" - ") for line in _MOUNTS.read_text("utf-8", "surrogateescape").splitlines()]
    except OSError:
        return ""
    within = folder.resolve()
    found = ("", "")
    for about, what in mounts:
        # Spaces in the name are written in octal (proc(5)); such a mount is not found, which is safe.
        point = Path(about.split(" ")[4])
        if within.is_relative_to(point) and len(str(point)) >= len(found[0]):
            found = (str(point), what.split(" ")[0])
    return found[1]


def fsync_folder(folder: Path) -> None:
    """Make the entries of `folder` durable: a rename or link is safe only after this."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make `folder` and its parents, each durable in its own parent."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        new.mkdir(exist_ok=True)
        fsync_folder(new.parent)


def write_file(path: Path, content: bytes) -> None:
    """Write a small file so that it is there whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink()
        raise
    fsync_folder(path.parent)
