"""What one success costs the disk: ways to make a file durable, side by side in one run.

    python bench/flush.py --folder DIR [--size 525000] [--threads 1] [--slow 10]

Each way ends with the file's bytes and its name safe from a power cut. `--slow` makes every flush take at
least that many milliseconds, as an SD card (10) or a slow disk (1) does. Files a second, medians of the rounds.
"""

from __future__ import annotations

import argparse
import ctypes
import mmap
import os
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_SEGMENT = 64 << 20
_O_TMPFILE = os.O_TMPFILE
_AT_FDCWD, _AT_SYMLINK_FOLLOW = -100, 0x400
_libc = ctypes.CDLL(None, use_errno=True)


class Disk:
    """Flushes, counted and slowed."""

    def __init__(self, slow: float) -> None:
        self.slow = slow
        self.flushes = 0

    def fsync(self, descriptor: int) -> None:
        self._timed(os.fsync, descriptor)

    def fdatasync(self, descriptor: int) -> None:
        self._timed(os.fdatasync, descriptor)

    def syncfs(self, descriptor: int) -> None:
        self._timed(_libc.syncfs, descriptor)

    def folder(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        self.fsync(descriptor)
        os.close(descriptor)

    def _timed(self, flush: Callable[[int], object], descriptor: int) -> None:
        began = time.monotonic()
        flush(descriptor)
        self.flushes += 1
        left = self.slow - (time.monotonic() - began)
        if left > 0:
            time.sleep(left)


class Way:
    """One way to keep a file; an instance is shared by all threads."""

    def __init__(self, root: Path, disk: Disk) -> None:
        self.root, self.disk = root, disk
        self.tmp, self.new = root / "tmp", root / "new"
        for folder in (self.tmp, self.new):
            folder.mkdir()

    def keep(self, name: str, data: memoryview) -> None:
        raise NotImplementedError

    def _written(self, path: Path, data: memoryview) -> int:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o640)
        os.write(descriptor, data)
        return descriptor


class Classic(Way):
    """tmp, fsync, rename, fsync of the folder"""

    def keep(self, name: str, data: memoryview) -> None:
        descriptor = self._written(self.tmp / name, data)
        self.disk.fsync(descriptor)
        os.close(descriptor)
        (self.tmp / name).rename(self.new / name)
        self.disk.folder(self.new)


class AtFinal(Way):
    """created at its final name, one fsync"""

    def keep(self, name: str, data: memoryview) -> None:
        descriptor = self._written(self.new / name, data)
        self.disk.fsync(descriptor)
        os.close(descriptor)


class RenameFirst(Way):
    """tmp, rename, one fsync"""

    def keep(self, name: str, data: memoryview) -> None:
        descriptor = self._written(self.tmp / name, data)
        (self.tmp / name).rename(self.new / name)
        self.disk.fsync(descriptor)
        os.close(descriptor)


class Sealed(Way):
    """as the spool: created at its final name, its length in its header, one fsync, then made readable"""

    def keep(self, name: str, data: memoryview) -> None:
        descriptor = self._written(self.new / name, data)
        os.pwrite(descriptor, b"%016d" % len(data), 300)
        self.disk.fsync(descriptor)
        os.fchmod(descriptor, 0o440)
        os.close(descriptor)


class SealedThenRenamed(Way):
    """the same in tmp, and renamed instead of made readable"""

    def keep(self, name: str, data: memoryview) -> None:
        descriptor = self._written(self.tmp / name, data)
        os.pwrite(descriptor, b"%016d" % len(data), 300)
        self.disk.fsync(descriptor)
        os.close(descriptor)
        (self.tmp / name).rename(self.new / name)


class Nameless(Way):
    """O_TMPFILE, linkat, one fsync"""

    def keep(self, name: str, data: memoryview) -> None:
        descriptor = os.open(self.new, os.O_RDWR | _O_TMPFILE, 0o640)
        os.write(descriptor, data)
        source, target = f"/proc/self/fd/{descriptor}".encode(), os.fsencode(self.new / name)
        _libc.linkat(_AT_FDCWD, source, _AT_FDCWD, target, _AT_SYMLINK_FOLLOW)
        self.disk.fsync(descriptor)
        os.close(descriptor)


class Segment(Way):
    """appended to a segment that was written with zeros before, fdatasync (no file of its own)"""

    def __init__(self, root: Path, disk: Disk) -> None:
        super().__init__(root, disk)
        self._own = threading.local()

    def keep(self, name: str, data: memoryview) -> None:
        descriptor, at = self._room(len(data))
        os.pwrite(descriptor, data, at)
        self.disk.fdatasync(descriptor)

    def _room(self, size: int) -> tuple[int, int]:
        own = self._own
        if not hasattr(own, "descriptor"):
            path = self.root / f"segment-{threading.get_ident()}"
            own.descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
            zeros = mmap.mmap(-1, 1 << 20)
            for at in range(0, _SEGMENT, len(zeros)):
                os.pwrite(own.descriptor, zeros, at)
            os.fsync(own.descriptor)
            own.at = 0
        if own.at + size > _SEGMENT:
            self._recycle(own)
        at: int = own.at
        own.at += (size + 4095) & ~4095
        return own.descriptor, at

    def _recycle(self, own: threading.local) -> None:
        own.at = 0


class Journal(Segment):
    """the same, and a file of its own beside it that is flushed with many others when the segment is full"""

    def keep(self, name: str, data: memoryview) -> None:
        super().keep(name, data)
        os.close(self._written(self.new / name, data))

    def _recycle(self, own: threading.local) -> None:
        self.disk.syncfs(own.descriptor)
        own.at = 0


WAYS: list[type[Way]] = [Classic, AtFinal, RenameFirst, Sealed, SealedThenRenamed, Nameless, Segment, Journal]


def rate(
    way: type[Way], folder: Path, data: memoryview, seconds: float, threads: int, slow: float
) -> tuple[float, float]:
    """Files a second, and flushes a file."""
    # Nothing is removed before the end: with `discard` the next flushes would pay for it.
    root = Path(tempfile.mkdtemp(dir=folder))
    disk = Disk(slow)
    try:
        made = way(root, disk)
        done = [0] * threads
        start = threading.Barrier(threads + 1)
        end = [0.0]

        def work(number: int) -> None:
            made.keep(f"{number}-first", data)
            start.wait()
            while time.monotonic() < end[0]:
                made.keep(f"{number}-{done[number]}", data)
                done[number] += 1

        workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
        for worker in workers:
            worker.start()
        end[0] = time.monotonic() + 1e9
        while start.n_waiting < threads:
            time.sleep(0.001)
        disk.flushes = 0
        began = time.monotonic()
        end[0] = began + seconds
        start.wait()
        for worker in workers:
            worker.join()
        took = time.monotonic() - began
        return sum(done) / took, disk.flushes / max(1, sum(done))
    finally:
        os.sync()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--folder", type=Path, default=Path())
    options.add_argument("--size", type=int, nargs="+", default=[17_000, 525_000])
    options.add_argument("--threads", type=int, nargs="+", default=[1, 4])
    options.add_argument("--slow", type=float, nargs="+", default=[0.0], help="least milliseconds a flush")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=0.4)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        compare(chosen, Path(folder))


def compare(chosen: argparse.Namespace, folder: Path) -> None:
    """Print the table of each case; the order of the ways is another in each round."""
    for size, threads, slow in _cases(chosen.size, chosen.threads, chosen.slow):
        data = memoryview(os.urandom(size))
        found: dict[type[Way], list[tuple[float, float]]] = {way: [] for way in WAYS}
        for _ in range(chosen.rounds):
            for way in random.sample(WAYS, len(WAYS)):
                found[way].append(rate(way, folder, data, chosen.seconds, threads, slow / 1000))
        print(
            f"\n{size} bytes, {threads} at a time, a flush takes {f'{slow:g} ms or more' if slow else 'what it takes'}"
        )
        first = statistics.median(each[0] for each in found[Classic])
        for way, rounds in found.items():
            median = statistics.median(each[0] for each in rounds)
            print(f"  {median:7.0f} /s  x{median / first:4.2f}  {rounds[0][1]:4.2f} flushes  {way.__doc__}")


def _cases(sizes: list[int], threads: list[int], slow: list[float]) -> Iterator[tuple[int, int, float]]:
    for size in sizes:
        for number in threads:
            for each in slow:
                yield size, number, each


if __name__ == "__main__":
    main()
