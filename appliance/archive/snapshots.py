"""Snapshots of what the archive can't rebuild: taken by the hour, checked, the last ones kept.

```
drafts .part -- checked, flushed, renamed --> 000007-20260822T101500Z.sqlite3   (the oldest is removed after that)
```
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from appliance.errors import IndexUnavailableError
from appliance.storage.contract import Storage
from appliance.storage.durable import fsync_folder, make_folder

log = logging.getLogger(__name__)

EVERY = timedelta(hours=1)
KEPT = 3
"""Snapshots; the last two would do, were not one of them lost with its disk block."""
_AGAIN = timedelta(minutes=1)
_NAME = re.compile(r"([0-9]{6,})-([0-9]{8}T[0-9]{6}Z)\.sqlite3")
_TIME = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Snapshot:
    """One of them."""

    path: Path
    number: int
    """They are ordered by it: the clock of a small box may be wrong."""
    taken: datetime


class Snapshots:
    """The folder of snapshots."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self) -> list[Snapshot]:
        """What there is, newest first."""
        names = os.listdir(self.folder) if self.folder.is_dir() else []
        found = [
            Snapshot(self.folder / name, int(told[1]), datetime.strptime(told[2], _TIME).replace(tzinfo=UTC))
            for name in names
            if (told := _NAME.fullmatch(name))
        ]
        return sorted(found, key=lambda each: each.number, reverse=True)

    def take(self, storage: Storage) -> Snapshot:
        """Take one, and remove what is too old. Raises `IndexUnavailableError`, OSError; then the others stay."""
        make_folder(self.folder)
        for left in self.folder.glob("*.part*"):
            left.unlink()
        older = self.all()
        number = older[0].number + 1 if older else 1
        taken = datetime.now(UTC).replace(microsecond=0)
        path = self.folder / f"{number:06d}-{taken:{_TIME}}.sqlite3"
        draft = path.with_suffix(".part")
        storage.snapshot(draft)
        _flush(draft)
        draft.rename(path)
        fsync_folder(self.folder)
        for old in older[KEPT - 1 :]:
            old.path.unlink()
        return Snapshot(path, number, taken)


def keep_snapshots(
    snapshots: Snapshots, opened: Callable[[], AbstractContextManager[Storage]], stop: threading.Event
) -> None:
    """Take one now, unless there is a fresh one, and then by the hour, until `stop`."""
    newest = snapshots.all()[:1]
    age = datetime.now(UTC) - newest[0].taken if newest else EVERY
    wait = EVERY - age if timedelta() < age < EVERY else timedelta()
    while not stop.wait(wait.total_seconds()):
        try:
            with opened() as storage:
                snapshots.take(storage)
            wait = EVERY
        except (IndexUnavailableError, OSError) as fault:
            log.error("no snapshot could be taken: %s", fault)
            wait = _AGAIN


def put_back(snapshot: Snapshot, index: Path) -> None:
    """Put a copy of `snapshot` where the index was; whole or not at all."""
    draft = index.with_suffix(".part")
    shutil.copyfile(snapshot.path, draft)
    _flush(draft)
    draft.rename(index)
    fsync_folder(index.parent)


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
