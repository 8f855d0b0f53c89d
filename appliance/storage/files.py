"""Blobs as files: one folder a study, so that a batch flushes few folders and a backup walks in order."""

from __future__ import annotations

import errno
import filecmp
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from appliance.storage.durable import fsync_folder, make_folder

_NO_LINKS = frozenset((errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP))
_REMEMBERED = 10_000
"""Folders."""
_KEY = re.compile(r"[0-9a-f]{2}/[0-9a-f]{32}/[0-9a-z-]+\.dcm")


class Files:
    """`contract.Blobs` on a local file system."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._name = str(root)
        self._durable: set[Path] = set()
        """Folders whose own names were flushed by us; those of a batch are flushed together."""

    def link(self, key: str, file: Path) -> None:
        """Hard-link `file` under `key`, or copy it where the file system can't; the same bytes again change nothing."""
        target = self._at(key)
        if target.parent not in self._durable:
            self._make(target.parent)
        try:
            self._link(file, target)
        except FileExistsError:
            # A data folder that was copied has two files of what was one.
            if not (target.samefile(file) or filecmp.cmp(target, file, shallow=False)):
                raise
        except OSError as fault:
            if fault.errno not in _NO_LINKS:
                raise
            _copy(file, target)

    def _link(self, file: Path, target: Path) -> None:
        try:
            os.link(file, target)
        except FileNotFoundError:
            if target.parent.is_dir():
                raise
            self._make(target.parent)  # its study was deleted meanwhile
            os.link(file, target)

    def _make(self, folder: Path) -> None:
        self._durable.discard(folder)
        make_folder(self.root)
        folder.mkdir(parents=True, exist_ok=True)

    def holds(self, key: str, size: int) -> bool:
        """Whether `key` has its bytes, as many as there should be."""
        return _is_there(self._named(key), size)

    def sync(self, keys: Iterable[str]) -> None:
        """Flush each folder of `keys` once, and the folders that it is in where that was not done before."""
        folders = {self._at(key).parent for key in keys}
        new = folders - self._durable
        outer = {folder.parent for folder in new} | ({self.root} if new else set())
        for folder in (*sorted(folders), *sorted(outer)):
            fsync_folder(folder)
        if len(self._durable) > _REMEMBERED:
            self._durable.clear()
        self._durable |= new

    def path(self, key: str) -> Path:
        """The file itself; raises FileNotFoundError when it is not there."""
        path = self._at(key)
        if not path.is_file():
            raise FileNotFoundError(f"the archive has no file {key}")
        return path

    def open(self, key: str) -> BinaryIO:
        """The file, for reading."""
        return open(self._named(key), "rb")  # noqa: PTH123 - who asked closes it

    def names(self, files: Iterable[tuple[str, int]]) -> list[str]:
        """The name of each file by key and size; empty where its bytes are not all there."""
        named = ((self._named(key), size) for key, size in files)
        return [name if _is_there(name, size) else "" for name, size in named]

    def remove(self, key: str) -> None:
        """Delete the file, and its folder once empty."""
        path = self._at(key)
        path.unlink(missing_ok=True)
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()

    def keys(self) -> Iterator[str]:
        """Every key, folder by folder; what others put there is passed over."""
        if not self.root.is_dir():
            return
        for outer in sorted(filter(Path.is_dir, self.root.iterdir())):
            for inner in sorted(filter(Path.is_dir, outer.iterdir())):
                found = (f"{outer.name}/{inner.name}/{file.name}" for file in sorted(inner.iterdir()))
                yield from filter(_KEY.fullmatch, found)

    def _at(self, key: str) -> Path:
        return Path(self._named(key))

    def _named(self, key: str) -> str:
        """The file's name; a `Path` takes ten times as long to make."""
        if not _KEY.fullmatch(key):
            raise ValueError(f"{key!r} is not a key of the archive")
        return f"{self._name}/{key}"


def _is_there(name: str, size: int) -> bool:
    try:
        return os.stat(name).st_size == size  # noqa: PTH116 - of each image of a study, before it goes out
    except FileNotFoundError:
        return False


def _copy(file: Path, target: Path) -> None:
    """Whole and flushed, or not at all."""
    draft = target.with_suffix(".part")
    try:
        shutil.copyfile(file, draft)
        with draft.open("rb") as copy:
            os.fsync(copy.fileno())
        draft.replace(target)
    except OSError:
        with suppress(OSError):
            draft.unlink()
        raise
