"""A disk that remembers: serves one file by FUSE and records each write and each flush of it, with their times.

    python recorded_disk.py IMAGE MOUNTPOINT LOG

The file is `MOUNTPOINT/disk`; a loop device over it turns the barriers of the file system on it into flushes of the
file. A flush takes a while, as a real disk's does, and what is written meanwhile is answered at once: that flush does
not cover it. Ends when it is unmounted, and then writes the log.
"""

from __future__ import annotations

import ctypes
import errno
import os
import pickle
import select
import stat
import struct
import sys
import time
from dataclasses import dataclass
from pathlib import Path

NAME = "disk"
_IN = struct.Struct("<IIQQIIIHH")
_OUT = struct.Struct("<IiQ")
_ROOT, _DISK = 1, 2
_LARGEST_WRITE = 1 << 20
_BUFFER = _LARGEST_WRITE + (1 << 16)
_FORGET, _BATCH_FORGET, _INTERRUPT, _FSYNC = 2, 42, 36, 20
_ASYNC_READ, _BIG_WRITES, _MAX_PAGES = 1 << 0, 1 << 5, 1 << 22
_DIRECT_IO = 1 << 0
_FLUSH_NS = 3_000_000
_GONE = frozenset((errno.ENODEV, errno.ECONNABORTED))


@dataclass(frozen=True)
class Write:
    """Bytes that were written; times are of `time.monotonic_ns`."""

    came: int
    answered: int
    at: int
    data: bytes


@dataclass(frozen=True)
class Flush:
    """A flush: when it is answered, what was answered before it came is on the disk for good."""

    came: int
    answered: int


class Disk:
    """The server: one thread, one file."""

    def __init__(self, image: Path, mountpoint: Path) -> None:
        self._image = os.open(image, os.O_RDWR)
        self._size = os.fstat(self._image).st_size
        self._fuse = os.open("/dev/fuse", os.O_RDWR | os.O_NONBLOCK)
        self._flushing: list[tuple[int, int]] = []
        self.log: list[Write | Flush] = []
        options = f"fd={self._fuse},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}"
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b"recorded", os.fsencode(mountpoint), b"fuse", 0, options.encode()):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(mountpoint))
        self._answers = {
            1: self._look_up,
            3: self._attributes,
            14: self._open,
            15: self._read,
            16: self._write,
            17: lambda *_: struct.pack("<5Q3I28x", 0, 0, 0, 0, 0, 4096, 255, 4096),
            18: lambda *_: b"",
            25: lambda *_: b"",
            26: self._begin,
            27: self._open,
            29: lambda *_: b"",
            34: lambda *_: b"",
            38: lambda *_: b"",
        }

    def serve(self) -> None:
        """Answer until it is unmounted."""
        poll = select.poll()
        poll.register(self._fuse, select.POLLIN)
        try:
            while True:
                poll.poll(1 if self._flushing else None)
                # All that is waiting came before any of it is answered: a flush among it covers none of its writes.
                for came, request in self._waiting():
                    self._take(came, request)
                while self._flushing and time.monotonic_ns() - self._flushing[0][0] >= _FLUSH_NS:
                    came, unique = self._flushing.pop(0)
                    self.log.append(Flush(came, time.monotonic_ns()))
                    self._answer(unique)
        except OSError as fault:
            if fault.errno not in _GONE:
                raise

    def _waiting(self) -> list[tuple[int, bytes]]:
        found: list[tuple[int, bytes]] = []
        while True:
            try:
                request = os.read(self._fuse, _BUFFER)
            except BlockingIOError:
                return found
            except OSError as fault:
                # ENOENT: it was interrupted before we had read it.
                if fault.errno == errno.ENOENT:
                    continue
                raise
            found.append((time.monotonic_ns(), request))

    def _take(self, came: int, request: bytes) -> None:
        _, opcode, unique, node, *_ = _IN.unpack_from(request)
        if opcode in (_FORGET, _BATCH_FORGET, _INTERRUPT):
            return
        if opcode == _FSYNC and node == _DISK:
            self._flushing.append((came, unique))
        elif opcode not in self._answers:
            self._answer(unique, fault=errno.ENOSYS)
        else:
            try:
                answer = self._answers[opcode](node, request[_IN.size :], came)
            except OSError as fault:
                self._answer(unique, fault=fault.errno or errno.EIO)
            else:
                self._answer(unique, answer)

    def _answer(self, unique: int, answer: bytes = b"", fault: int = 0) -> None:
        os.write(self._fuse, _OUT.pack(_OUT.size + len(answer), -fault, unique) + answer)

    def _begin(self, _node: int, body: bytes, _came: int) -> bytes:
        flags = _ASYNC_READ | _BIG_WRITES | _MAX_PAGES
        return struct.pack("<IIIIHHIIHHI7I", 7, 31, 1 << 17, flags, 64, 48, _LARGEST_WRITE, 1, 256, 0, 0, *[0] * 7)

    def _look_up(self, node: int, body: bytes, _came: int) -> bytes:
        if node != _ROOT or body.rstrip(b"\0") != NAME.encode():
            raise FileNotFoundError(errno.ENOENT, "no such file")
        return struct.pack("<QQQQII", _DISK, 0, 60, 60, 0, 0) + self._stat(_DISK)

    def _attributes(self, node: int, _body: bytes, _came: int) -> bytes:
        return struct.pack("<QII", 60, 0, 0) + self._stat(node)

    def _stat(self, node: int) -> bytes:
        mode = stat.S_IFREG | 0o600 if node == _DISK else stat.S_IFDIR | 0o700
        size = self._size if node == _DISK else 0
        return struct.pack("<6Q10I", node, size, size // 512, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)

    def _open(self, node: int, _body: bytes, _came: int) -> bytes:
        return struct.pack("<QII", 0, _DIRECT_IO if node == _DISK else 0, 0)

    def _read(self, _node: int, body: bytes, _came: int) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", body)
        return os.pread(self._image, size, offset)

    def _write(self, _node: int, body: bytes, came: int) -> bytes:
        _, offset, size = struct.unpack_from("<QQI", body)
        data = body[40 : 40 + size]
        os.pwrite(self._image, data, offset)
        self.log.append(Write(came, time.monotonic_ns(), offset, data))
        return struct.pack("<II", size, 0)


def main(image: Path, mountpoint: Path, log: Path) -> None:
    disk = Disk(image, mountpoint)
    disk.serve()
    with log.open("wb") as file:
        pickle.dump([(entry.came, entry.answered, *_rest(entry)) for entry in disk.log], file)


def _rest(entry: Write | Flush) -> tuple[int, bytes] | tuple[()]:
    return (entry.at, entry.data) if isinstance(entry, Write) else ()


def read(log: Path) -> list[Write | Flush]:
    """What `main` has written."""
    with log.open("rb") as file:
        return [Write(*entry) if len(entry) == 4 else Flush(*entry) for entry in pickle.load(file)]


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
