"""The index made anew when its file is missing or damaged: the last snapshot, then the archive.

```
missing or damaged --> what is left is put aside --> last sound snapshot, else an empty index --> reindex
                 (a mark is left until the end: whoever is killed on the way, the next indexer goes on)
```
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from appliance.archive.reindex import Report, reindex
from appliance.archive.snapshots import Snapshots, put_back
from appliance.errors import IndexDamagedError
from appliance.storage.contract import Blobs, Storage
from appliance.storage.durable import fsync_folder, make_folder, write_file

log = logging.getLogger(__name__)

_BESIDE = ("", "-wal", "-shm")
"""What belongs to the index's file."""


def is_lost(index: Path, blobs: Blobs) -> bool:
    """Whether there is no index though there are images: an empty one must not take its place unseen."""
    try:
        if index.stat().st_size:
            return False
    except FileNotFoundError:
        pass
    return next(iter(blobs.keys()), None) is not None


class Rebuild:
    """Makes the index anew. One process of a box does it at a time, and no indexer runs beside it."""

    def __init__(self, index: Path, blobs: Blobs, snapshots: Snapshots, opened: Callable[[Path], Storage]) -> None:
        """`opened` opens the index at a path, or makes it."""
        self._index = index
        self._blobs = blobs
        self._snapshots = snapshots
        self._opened = opened
        self._mark = index.with_name("rebuilding")

    @property
    def under_way(self) -> bool:
        """Whether one was begun that has not come to its end."""
        return self._mark.exists()

    @property
    def is_due(self) -> bool:
        """Whether the index needs it, as far as that is seen without opening it."""
        return self.under_way or is_lost(self._index, self._blobs)

    def run(self, progress: Callable[[Report], None] = lambda report: None) -> Report:
        """Rebuild, from the ground if the index is missing or damaged; else only what the archive knows.

        Raises `IndexUnavailableError` where waiting may help: the index is locked, the disk is full.
        """
        make_folder(self._index.parent)
        write_file(self._mark, b"")
        report = Report()
        storage = self._sound() or self._made_anew(report)
        try:
            reindex(storage, self._blobs, progress, report)
        finally:
            storage.close()
        self._mark.unlink(missing_ok=True)
        fsync_folder(self._mark.parent)
        return report

    def _sound(self) -> Storage | None:
        """The index as it is, unless it is missing or damaged."""
        return None if is_lost(self._index, self._blobs) else self._checked()

    def _made_anew(self, report: Report) -> Storage:
        """The index from the last snapshot that is sound; without one, an empty index."""
        report.made_anew = True
        self._put_aside()
        for snapshot in self._snapshots.all():
            put_back(snapshot, self._index)
            found = self._checked()
            if found:
                log.error("the index is made anew: shares, peers, tokens and the rest are as of %s", snapshot.taken)
                report.restored = snapshot.taken
                return found
            log.error("the snapshot %s is damaged", snapshot.path)
            self._put_aside()
        log.error("the index is made anew, without a snapshot: shares, peers, tokens and the rest are lost")
        storage = self._opened(self._index)
        with storage.transaction():
            storage.skip_numbers()
        return storage

    def _checked(self) -> Storage | None:
        """The index, if it is sound."""
        try:
            storage = self._opened(self._index)
        except IndexDamagedError as fault:
            log.error("%s", fault)
            return None
        if faults := storage.check():
            log.error("the index %s is damaged: %s", self._index, faults[0])
            storage.close()
            return None
        return storage

    def _put_aside(self) -> None:
        """Keep what is left of the index for whoever may want to look: it is never used again."""
        left = [path for end in _BESIDE if (path := self._index.with_name(self._index.name + end)).exists()]
        if not left:
            return
        folder = self._index.with_name(f"damaged-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
        make_folder(folder)
        for path in left:
            path.rename(folder / path.name)
        fsync_folder(folder)
        fsync_folder(self._index.parent)
