"""The spool folder, maildir-style: tmp -> new -> (archive | rejected | conflicts). Needs no database.

```
spool/tmp/<door>/   being written; swept when its door starts
spool/new/          durable, answered with success, waiting for the indexer
spool/rejected/     could not be indexed; the reason beside it; staff may retry
spool/conflicts/    same SOP Instance UID as one that we have, other bytes; staff decide
```
An entry's name is ours: the nanosecond it began and a random part, so that names sort by arrival.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
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
from appliance.storage.durable import fsync_folder, make_folder, write_file

_CHUNK = 1 << 20
_DISK_FAULTS = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO))
_RESERVE_SHARE = 0.05


@dataclass(frozen=True)
class Entry:
    """An instance in the spool."""

    path: Path

    @property
    def name(self) -> str:
        """Its name without the ending."""
        return self.path.stem


@dataclass(frozen=True)
class SetAside:
    """An entry that waits for staff: rejected, or in conflict with one that we have."""

    entry: Entry
    reason: str
    at: str
    sop_instance_uid: str = ""


class Keeping:
    """An instance on its way into the spool: write, then `commit`; anything else leaves nothing behind."""

    def __init__(self, draft: Path, final: Path, head: bytes) -> None:
        self._draft = draft
        self._final = final
        self._file = draft.open("xb", buffering=0)
        self.size = self.write(head)

    @property
    def path(self) -> Path:
        """The file while it is written."""
        return self._draft

    def write(self, chunk: bytes | bytearray | memoryview) -> int:
        """Append bytes of the data set."""
        view = memoryview(chunk)
        written = 0
        while written < len(view):
            written += self._file.write(view[written:]) or 0
        return written

    def commit(self) -> Entry:
        """Make it durable: fsync, rename into `new`, fsync the folder. After this it is safe."""
        os.fsync(self._file.fileno())
        self._file.close()
        self._draft.rename(self._final)
        fsync_folder(self._final.parent)
        return Entry(self._final)

    def discard(self) -> None:
        """Leave nothing behind; after `commit` it does nothing."""
        self._file.close()
        self._draft.unlink(missing_ok=True)


class Spool:
    """The spool as one door sees it."""

    def __init__(self, root: Path, door: str, reserve_mb: int = 0) -> None:
        """`door` is the service that fills it: each has a `tmp` of its own. Makes the folders.

        Raises `StorageFullError` when the disk doesn't let it.
        """
        self.root = root
        self.new = root / "new"
        self.rejected = root / "rejected"
        self.conflicts = root / "conflicts"
        self.tmp = root / "tmp" / door
        self._reserve = reserve_mb * 1_000_000
        with disk_faults():
            for folder in (self.new, self.rejected, self.conflicts, self.tmp):
                make_folder(folder)

    def sweep(self) -> None:
        """At the door's start: remove what an earlier process of this door left half-written."""
        with disk_faults():
            for draft in self.tmp.iterdir():
                draft.unlink()

    @contextmanager
    def keeping(self, head: bytes) -> Iterator[Keeping]:
        """Take in an instance whose Part 10 header is `head`: write the data set, then `commit`.

        Raises `StorageFullError` when the disk is full, read-only or failing; then, and when the block
        ends without `commit`, nothing is left behind.
        """
        with disk_faults():
            self._check_space()
            name = f"{time.time_ns():020d}-{secrets.token_hex(4)}.dcm"
            draft, final = self.tmp / name, self.new / name
            try:
                keeping = Keeping(draft, final, head)
            except OSError:
                draft.unlink(missing_ok=True)
                raise
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
        """What waits for the indexer, oldest first."""
        names = sorted(name for name in os.listdir(self.new) if name.endswith(".dcm"))
        return [Entry(self.new / name) for name in names[:limit]]

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
        return [_noted(Entry(path)) for path in sorted(folder.glob("*.dcm"))]

    def retry(self, entry: Entry) -> Entry:
        """Give a set-aside entry to the indexer once more."""
        again = self.new / entry.path.name
        entry.path.rename(again)
        fsync_folder(self.new)
        _note(entry).unlink(missing_ok=True)
        return Entry(again)

    def discard(self, aside: SetAside) -> None:
        """Delete a set-aside entry for good: staff decided."""
        aside.entry.path.unlink(missing_ok=True)
        _note(aside.entry).unlink(missing_ok=True)

    def free(self) -> int:
        """Bytes that may still be taken before we refuse."""
        usage = shutil.disk_usage(self.root)
        return usage.free - self._kept_back(usage.total)

    def _kept_back(self, total: int) -> int:
        return max(self._reserve, int(total * _RESERVE_SHARE)) if self._reserve else 0

    def _check_space(self) -> None:
        if self._reserve and self.free() <= 0:
            raise StorageFullError(
                "The disk is nearly full: new images are refused.", "Make space, or fit a larger disk."
            )


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
        if fault.errno not in _DISK_FAULTS:
            raise
        raise StorageFullError(
            f"The disk does not take new images: {os.strerror(fault.errno or 0)}.",
            "Make space on the data disk, or look whether it has failed.",
        ) from fault
