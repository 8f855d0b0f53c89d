"""The spool folder: new -> (archive | rejected | conflicts). Needs no database.

```
spool/new/          drafts, being written (see `keeping`); and entries: durable, waiting for the indexer
spool/rejected/     could not be indexed; the reason beside it; staff may retry
spool/conflicts/    same SOP Instance UID as one that we have, other bytes; staff decide
```
An entry's name is ours: the nanosecond it began and a random part, so that names sort by arrival.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import orjson

from appliance.dicom import part10
from appliance.dicom.model import Origin
from appliance.errors import StorageFullError
from appliance.spool.keeping import Entry, Keeping, is_entry, recover
from appliance.spool.room import Room
from appliance.storage.durable import Place, fsync_folder, make_folder, write_file

__all__ = ["Entry", "Keeping", "SetAside", "Spool"]

_CHUNK = 1 << 20
_LOOK_AGAIN = 10.0
"""Seconds between looks at drafts whose writers may have died."""
_DISK_FAULTS = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO))


@dataclass(frozen=True)
class SetAside:
    """An entry that waits for staff: rejected, or in conflict with one that we have."""

    entry: Entry
    reason: str
    at: str
    sop_instance_uid: str = ""


class Spool:
    """The spool as one door sees it."""

    def __init__(self, root: Path, door: str, reserve_mb: int = 0) -> None:
        """`door` is the service that fills it. Makes the folders.

        Raises `StorageFullError` when the disk doesn't let it.
        """
        self.root = root
        self.door = door
        self.new = root / "new"
        self.rejected = root / "rejected"
        self.conflicts = root / "conflicts"
        self._room = Room(self.new, reserve_mb * 1_000_000)
        self._new = str(self.new)
        self._listed: list[str] = []
        self._look_at_drafts = False
        self._next_look = time.monotonic() + _LOOK_AGAIN
        with disk_faults():
            for folder in (self.new, self.rejected, self.conflicts):
                make_folder(folder)
        self._place = Place(self.new)

    def sweep(self) -> None:
        """What processes that died were writing: take in what is complete, remove what is not.

        Raises `StorageFullError` when the disk doesn't let it, for one or more of them; the others are dealt with.
        """
        faults = []
        for draft in self.drafts():
            try:
                recover(self._place, draft)
            except OSError as fault:
                faults.append(fault)
        if faults:
            with disk_faults():
                raise faults[0]

    def drafts(self) -> list[Path]:
        """What is being written, or was by a process that died."""
        return [path for path in sorted(self.new.glob("*.dcm")) if path.exists() and not is_entry(path)]

    def begin(self, head: bytes) -> Keeping:
        """Take in an instance whose Part 10 header is `head`: write the data set, then `commit` or `discard`.

        Raises `StorageFullError` when there is too little room, OSError when the disk doesn't take it.
        """
        self._room.check()
        return Keeping(self._place, self._room, f"{time.time_ns():020d}-{os.urandom(4).hex()}.dcm", head)

    @contextmanager
    def keeping(self, head: bytes) -> Iterator[Keeping]:
        """As `begin`; when the block ends without `commit` nothing is left behind.

        Raises `StorageFullError` when the disk is full, read-only or failing.
        """
        with disk_faults():
            keeping = self.begin(head)
            try:
                yield keeping
            finally:
                keeping.discard()

    def keep(self, file: BinaryIO, origin: Origin) -> Entry:
        """Keep a Part 10 file: its data set as it is, the header ours (UIDs and syntax as it says).

        Raises `UnreadableInstanceError` when it isn't one, `StorageFullError` as `keeping` does.
        """
        meta = part10.read(file)
        head = part10.encode(meta.sop_class_uid, meta.sop_instance_uid, meta.transfer_syntax_uid, origin)
        with self.keeping(head) as keeping:
            while chunk := file.read(_CHUNK):
                keeping.write(chunk)
            return keeping.commit()

    def waiting(self, limit: int | None = None) -> list[Entry]:
        """What waits for the indexer, oldest first; drafts don't.

        Now and then drafts are looked at as by `sweep`: their door may be down, or could not sweep when it began.
        """
        found = [] if limit is None else self._next(limit)
        if limit is None or len(found) < limit:
            # A long backlog is listed once, not for each batch.
            self._listed = sorted((name for name in os.listdir(self.new) if name.endswith(".dcm")), reverse=True)
            self._look_at_drafts = time.monotonic() >= self._next_look
            if self._look_at_drafts:
                self._next_look = time.monotonic() + _LOOK_AGAIN
            found = self._next(limit)
        return found

    def _next(self, limit: int | None) -> list[Entry]:
        found: list[Entry] = []
        while self._listed and (limit is None or len(found) < limit):
            entry = Entry(f"{self._new}/{self._listed.pop()}")
            if is_entry(entry.file) or (self._look_at_drafts and self._is_recovered(entry.path)):
                found.append(entry)
        self._listed += [entry.file.rpartition("/")[2] for entry in reversed(found)]
        return found

    def _is_recovered(self, draft: Path) -> bool:
        try:
            return recover(self._place, draft)
        except OSError:
            return False  # the next look may find the disk in better health

    def release(self, entry: Entry) -> None:
        """The index has it: forget it here. Doing it twice changes nothing."""
        entry.path.unlink(missing_ok=True)

    def reject(self, entry: Entry, reason: str, at: str) -> None:
        """Set aside what cannot be indexed."""
        self._set_aside(entry, self.rejected, {"reason": reason, "at": at})

    def conflict(self, entry: Entry, sop_instance_uid: str, reason: str, at: str) -> None:
        """Set aside what contradicts an instance that we have."""
        self._set_aside(entry, self.conflicts, {"reason": reason, "at": at, "sop_instance_uid": sop_instance_uid})

    def _set_aside(self, entry: Entry, folder: Path, note: dict[str, str]) -> None:
        # The note first: an entry in the folder always has its reason.
        write_file(folder / f"{entry.name}.json", orjson.dumps(note))
        entry.path.rename(folder / entry.path.name)
        fsync_folder(folder)

    def set_aside(self, folder: Path) -> list[SetAside]:
        """What waits for staff in `rejected` or `conflicts`, oldest first."""
        return [_noted(Entry(str(path))) for path in sorted(folder.glob("*.dcm"))]

    def retry(self, entry: Entry) -> Entry:
        """Give a set-aside entry to the indexer once more."""
        again = self.new / entry.path.name
        entry.path.rename(again)
        fsync_folder(self.new)
        _note(entry).unlink(missing_ok=True)
        return Entry(str(again))

    def discard(self, aside: SetAside) -> None:
        """Delete a set-aside entry for good: staff decided."""
        aside.entry.path.unlink(missing_ok=True)
        _note(aside.entry).unlink(missing_ok=True)

    def free(self) -> int:
        """Bytes that may still be taken before we refuse."""
        return self._room.free()


def _note(entry: Entry) -> Path:
    return entry.path.with_suffix(".json")


def _noted(entry: Entry) -> SetAside:
    try:
        note = orjson.loads(_note(entry).read_bytes())
    except (OSError, ValueError):
        note = {}
    return SetAside(entry, note.get("reason", "no reason noted"), note.get("at", ""), note.get("sop_instance_uid", ""))


@contextmanager
def disk_faults() -> Iterator[None]:
    """Tell the disk's own faults from all others."""
    try:
        yield
    except OSError as fault:
        told = in_words(fault)
        if told is fault:
            raise
        raise told from fault


def in_words(fault: OSError) -> StorageFullError | OSError:
    """A fault of the disk as a `StorageFullError`; any other as it is."""
    if fault.errno not in _DISK_FAULTS:
        return fault
    return StorageFullError(
        f"The disk does not take new images: {os.strerror(fault.errno or 0)}.",
        "Make space on the data disk, or look whether it has failed.",
    )
