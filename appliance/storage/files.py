"""Blobs as files: one folder a study, so that a batch flushes few folders and a backup walks in order."""

from __future__ import annotations

import errno
import filecmp
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from appliance.storage.durable import fsync_folder, make_folder

_NO_LINKS = frozenset((errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP))
_KEY = re.compile(r"[0-9a-f]{2}/[0-9a-f]{32}/[0-9a-z-]+\.dcm")


class Files:
    """`contract.Blobs` on a local file system."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def link(self, key: str, file: Path) -> None:
        """Hard-link `file` under `key`, or copy it where the file system can't; the same bytes again change nothing."""
        target = self._at(key)
        make_folder(target.parent)
        try:
            os.link(file, target)
        except FileExistsError:
            # A data folder that was copied has two files of what was one.
            if not (target.samefile(file) or filecmp.cmp(target, file, shallow=False)):
                raise
        except OSError as fault:
            if fault.errno not in _NO_LINKS:
                raise
            _copy(file, target)

    def holds(self, key: str, size: int) -> bool:
        """Whether `key` has its bytes, as many as there should be."""
        try:
            return self._at(key).stat().st_size == size
        except FileNotFoundError:
            return False

    def sync(self, keys: Iterable[str]) -> None:
        """Flush each folder of `keys` once."""
        for folder in sorted({self._at(key).parent for key in keys}):
            fsync_folder(folder)

    def path(self, key: str) -> Path:
        """The file itself; raises FileNotFoundError when it is not there."""
        path = self._at(key)
        if not path.is_file():
            raise FileNotFoundError(f"the archive has no file {key}")
        return path

    def open(self, key: str) -> BinaryIO:
        """The file, for reading."""
        return self._at(key).open("rb")

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
        if not _KEY.fullmatch(key):
            raise ValueError(f"{key!r} is not a key of the archive")
        return self.root / key


def _copy(file: Path, target: Path) -> None:
    """Whole and flushed, or not at all."""
    draft = target.with_suffix(".part")
    shutil.copyfile(file, draft)
    with draft.open("rb") as copy:
        os.fsync(copy.fileno())
    draft.replace(target)
