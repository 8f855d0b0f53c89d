"""Whether there is room for another instance: free space above the reserve, and a backlog that is not endless."""

from __future__ import annotations

import os
import time
from pathlib import Path

from appliance.errors import StorageFullError

_RESERVE_SHARE = 0.05
_RESERVE_FILES = 1000
_FRESH = 0.05
"""Seconds that a look at the disk holds: no network fills the reserve in that time."""
MOST_WAITING = 1_000_000
"""Entries in the spool. A backlog like this is no burst: the indexer has been down for days."""
_RECOUNT = 10_000
"""Instances after which we count again, since counting takes as long as there are many."""


class Room:
    """The room for new instances as one process sees it."""

    def __init__(self, folder: Path, reserve: int) -> None:
        """`reserve`: bytes that stay free, or 5 % of the disk if that is more; 0 looks at nothing."""
        self._folder = folder
        self._reserve = reserve
        self._looked = -_FRESH
        self._spare = 0
        self._until_count = 0

    def free(self) -> int:
        """Bytes that may still be taken before we refuse."""
        disk = os.statvfs(self._folder)
        kept_back = max(self._reserve, int(disk.f_blocks * disk.f_frsize * _RESERVE_SHARE)) if self._reserve else 0
        if self._reserve and disk.f_files and disk.f_favail < _RESERVE_FILES:
            return min(0, disk.f_bavail * disk.f_frsize - kept_back)
        return disk.f_bavail * disk.f_frsize - kept_back

    def check(self) -> None:
        """Raise `StorageFullError` when there is none, OSError when the disk doesn't say."""
        if not self._reserve:
            return
        now = time.monotonic()
        if now - self._looked >= _FRESH:
            self._looked, self._spare = now, self.free()
        if self._spare <= 0:
            raise StorageFullError(
                "The disk is nearly full: new images are refused.", "Make space, or fit a larger disk."
            )
        self._check_backlog()

    def _check_backlog(self) -> None:
        self._until_count -= 1
        if self._until_count > 0:
            return
        if len(os.listdir(self._folder)) >= MOST_WAITING:
            raise StorageFullError(
                "Too many images wait for the indexer: new ones are refused.",
                "See whether the indexer runs, and what it logs; what waits is safe.",
            )
        self._until_count = _RECOUNT
