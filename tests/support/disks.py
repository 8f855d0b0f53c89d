"""Small file systems of the tests' own, in image files that are mounted by loop devices; needs root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import recorded_disk
from tests.support.programs import lacking, program
from tests.support.waiting import wait_for

SIZES = {"ext4": 128, "xfs": 320, "btrfs": 256}
"""Megabytes, near the least that each can be."""
_MAKE = {
    "ext4": ("-q", "-F", "-b", "4096", "-N", "8192", "-E", "lazy_itable_init=0,lazy_journal_init=0"),
    "xfs": ("-q", "-f"),
    "btrfs": ("-q", "-f"),
}
_MEMORY = Path("/dev/shm")


def needed() -> None:
    """Skip, saying why, where file systems cannot be mounted; where peers are required, fail."""
    for path in (Path("/dev/loop-control"), Path("/dev/fuse")):
        if not os.access(path, os.R_OK | os.W_OK):
            lacking(f"mounting a file system of our own needs root and {path}")
    tried = subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True, text=True)
    if tried.returncode:
        lacking(f"mounting a file system of our own is not permitted: {tried.stderr.strip()}")


@contextmanager
def fast_folder(other: Path) -> Iterator[Path]:
    """A folder in memory where there is room, so that the images' own flushes cost nothing; else `other`."""
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > 2 << 30
    folder = _MEMORY / f"{other.parent.name}-{other.name}-{os.getpid()}" if roomy else other
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def make(kind: str, image: Path, megabytes: int = 0) -> Path:
    """A new file system of this kind; skips where there is no program to make it."""
    maker = program(f"mkfs.{kind}")
    with image.open("wb") as file:
        file.truncate((megabytes or SIZES[kind]) << 20)
    run(maker, *_MAKE[kind], image)
    return image


@contextmanager
def mounted(device: Path, kind: str, at: Path, options: str = "") -> Iterator[Path]:
    """A device or an image, mounted at a folder; OSError when it can't be."""
    at.mkdir(parents=True, exist_ok=True)
    loop = "" if device.is_block_device() else "loop,"
    run("mount", "-t", kind, "-o", f"{loop}noatime{options and ','}{options}", device, at)
    try:
        yield at
    finally:
        _unmount(at)


@contextmanager
def recorded(image: Path, folder: Path) -> Iterator[Path]:
    """A block device over `image`; `folder/log` tells at the end what was written to it, for `recorded_disk.read`."""
    served = folder / "served"
    served.mkdir()
    server = subprocess.Popen(
        [sys.executable, recorded_disk.__file__, image, served, folder / "log"], stdin=subprocess.DEVNULL
    )
    try:
        wait_for((served / recorded_disk.NAME).exists, 60, "the recorded disk")
        device = run("losetup", "--find", "--show", served / recorded_disk.NAME)
        try:
            yield Path(device)
        finally:
            run("losetup", "--detach", device)
    finally:
        _unmount(served)
        assert server.wait(60) == 0


@contextmanager
def immutable(*paths: Path) -> Iterator[None]:
    """Nobody can change these files and folders, not even who has them open for writing; skips where that can't be."""
    change = program("chattr")
    try:
        for path in paths:
            tried = subprocess.run([change, "+i", path], check=False, capture_output=True, text=True)
            if tried.returncode:
                lacking(f"making a file immutable is not permitted here: {tried.stderr.strip()}")
        yield
    finally:
        subprocess.run([change, "-i", *(path for path in paths if path.exists())], check=False, capture_output=True)


def _unmount(at: Path) -> None:
    try:
        # Children of services may end a moment after them.
        wait_for(lambda: _is_unmounted(at), 60, f"{at} to be free")
    except AssertionError:
        run("umount", "--lazy", at)
        raise


def _is_unmounted(at: Path) -> bool:
    return not subprocess.run(["umount", at], check=False, capture_output=True).returncode


def copy(image: Path, to: Path) -> None:
    """Copy an image, holes and all."""
    source, target = os.open(image, os.O_RDONLY), os.open(to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        size = os.fstat(source).st_size
        os.truncate(target, size)
        at = 0
        while (at := _next_data(source, at, size)) < size:
            end = os.lseek(source, at, os.SEEK_HOLE)
            while at < end:
                at += os.pwrite(target, os.pread(source, min(1 << 20, end - at), at), at)
    finally:
        os.close(source)
        os.close(target)


def _next_data(descriptor: int, at: int, size: int) -> int:
    try:
        return os.lseek(descriptor, at, os.SEEK_DATA)
    except OSError:  # no more data behind
        return size


def run(*arguments: str | Path) -> str:
    """What a command says; OSError with its complaint when it fails."""
    done = subprocess.run(arguments, check=False, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise OSError(f"{' '.join(map(str, arguments))}: {done.stderr.strip()}")
    return done.stdout.strip()
