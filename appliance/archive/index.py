"""From the spool into archive and index, a batch at a time; safe to kill at any instruction.

```
read headers -> hard-link into the archive, fsync folders -> ONE transaction: rows + events -> unlink
```
An entry leaves the spool only after the commit, and taking it again changes nothing: its archive key comes
from its name, and an instance that the index has is released, not entered twice.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from appliance import events
from appliance.archive.origins import by_source
from appliance.archive.patient import Patient
from appliance.archive.rebuild import Rebuild
from appliance.archive.reindex import Report
from appliance.dicom import header as headers
from appliance.dicom.charset import Given
from appliance.dicom.header import Header
from appliance.errors import IndexUnavailableError, UnreadableInstanceError
from appliance.spool.spool import Entry, Spool
from appliance.storage.contract import Blobs, Storage
from appliance.storage.rows import Kept

log = logging.getLogger(__name__)

BATCH = 200
"""Entries a transaction: enough to share its flushes, few enough to be seen at once."""
_HELD = 64 << 20
"""Bytes of metadata in a batch, after which it is committed with fewer; those of honest images are a few KB each."""
_IDLE = 0.05
"""Seconds between looks at an empty spool."""
_GATHER = 0.2
"""Seconds for a batch to gather while images stream in: each costs some flushes, however few they are."""
_FEW = 2
"""Entries that are no stream: somebody may send them one by one, and wait for each."""
_BAD_FILE = frozenset((errno.EIO, errno.EISDIR, errno.EACCES, errno.EPERM, errno.ENXIO))
"""Faults of one file, which others need not wait for."""
_TROUBLE = 2.0
"""Seconds before a broken index or a full disk is tried again."""
_REMIND = 60.0
"""Seconds after which trouble that lasts is logged once more."""


@dataclass
class _Batch:
    """What is to be done with the entries of one batch."""

    new: list[tuple[Entry, Header, str]] = field(default_factory=list)
    lost: list[tuple[Entry, Header, str]] = field(default_factory=list)
    """Known to the index, but the archive's own bytes are gone or cut short: the newcomer takes their place."""
    known: list[Entry] = field(default_factory=list)
    conflicts: list[tuple[Entry, str, str]] = field(default_factory=list)
    rejected: list[tuple[Entry, str]] = field(default_factory=list)

    @property
    def linked(self) -> list[tuple[Entry, Header, str]]:
        """What goes into the archive."""
        return self.new + self.lost


Chore = Callable[[threading.Event], None]
"""Something that the indexer does beside draining, in a thread of its own, until the event is set."""


class Indexer:
    """Drains the spool. One process of a box has it at a time."""

    def __init__(
        self, spool: Spool, blobs: Blobs, index: Callable[[], Storage], rebuild: Rebuild, chores: Sequence[Chore] = ()
    ) -> None:
        """`index` opens the index, or gives it opened; it is asked for each batch."""
        self._spool = spool
        self._blobs = blobs
        self._index = index
        self._rebuild = rebuild
        self._chores = chores
        self._told = ("", -math.inf)

    def run(self, stop: threading.Event) -> None:
        """Drain the spool until `stop`; a broken index or a full disk is waited for, and nothing is lost."""
        with self._doing_chores(stop):
            while not stop.is_set():
                stop.wait(self._step(stop))

    def _step(self, stop: threading.Event) -> float:
        """Do what is next; the seconds to wait after it."""
        try:
            if self._rebuild.is_due:
                self._rebuild_until(stop)
            return _rest(self.drain_batch())
        except IndexUnavailableError as fault:
            self._tell(f"{fault} {fault.hint}")
        except OSError as fault:
            self._tell(f"the disk does not let the indexer work: {fault}")
        return _TROUBLE

    def _rebuild_until(self, stop: threading.Event) -> None:
        """Make the index anew; when asked to stop, the next indexer goes on with it."""

        def look(_report: Report) -> None:
            if stop.is_set():
                raise IndexUnavailableError("The index was not finished: it is gone on with at the next start.")

        log.error("the index is missing, or was not finished: it is rebuilt from the archive")
        report = self._rebuild.run(look)
        log.error("the index is rebuilt: %d studies with %d images", report.studies, report.instances)

    def _tell(self, trouble: str) -> None:
        """Log what lasts by the minute, not at every try."""
        told, at = self._told
        if trouble != told or time.monotonic() - at >= _REMIND:
            log.error("%s", trouble)
            self._told = (trouble, time.monotonic())

    @contextmanager
    def _doing_chores(self, stop: threading.Event) -> Iterator[None]:
        threads = [threading.Thread(target=_doing, args=(chore, stop), name="chore") for chore in self._chores]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def drain_batch(self) -> int:
        """Bring one batch in; how many entries it had."""
        storage = self._index()  # first: what is wrong with it shows although nothing comes
        entries = self._spool.waiting(BATCH)
        if not entries:
            return 0
        batch = _decide(storage, self._blobs, entries)
        for entry, _, key in batch.linked:
            self._blobs.link(key, entry.path)
        self._blobs.sync(key for _, _, key in batch.linked)
        _commit(storage, batch)
        self._clear(batch)
        return len(entries)

    def _clear(self, batch: _Batch) -> None:
        at = events.now()
        for entry, reason in batch.rejected:
            log.warning("%s cannot be indexed: %s", entry.name, reason)
            self._spool.reject(entry, reason, at)
        for entry, sop_uid, reason in batch.conflicts:
            log.warning("%s is kept as a conflict: %s", entry.name, reason)
            self._spool.conflict(entry, sop_uid, reason, at)
        for entry in (*(entry for entry, _, _ in batch.linked), *batch.known):
            self._spool.release(entry)


def _rest(entries: int) -> float:
    """Seconds to wait after a batch of so many entries."""
    if entries >= BATCH:
        return 0
    return _GATHER if entries > _FEW else _IDLE


def _doing(chore: Chore, stop: threading.Event) -> None:
    try:
        chore(stop)
    except Exception:
        log.exception("a chore of the indexer ended")


def _decide(storage: Storage, blobs: Blobs, entries: list[Entry]) -> _Batch:
    batch = _Batch()
    given = by_source(storage.peers.all())
    read = list(_readable(entries, batch, given))
    kept = storage.studies.kept([header.uids[2] for _, header in read])
    patients = {
        study.study_instance_uid: Patient.of(vars(study))
        for study in storage.studies.studies(list({header.uids[0] for _, header in read}))
    }
    for entry, header in read:
        study_uid, _, sop_uid = header.uids
        key = blob_key(study_uid, entry)
        known, patient = kept.get(sop_uid), patients.get(study_uid, Patient())
        newcomer = Patient.of(header.study)
        if known and _digest(blobs, known, header) != header.digest:
            batch.conflicts.append((entry, sop_uid, "we have another image of the same identity"))
        elif known and known.blob_key not in _keys(batch) and not blobs.holds(known.blob_key, known.size):
            batch.lost.append((entry, header, key))
        elif known:
            batch.known.append(entry)
        elif not patient.may_be(newcomer):
            batch.conflicts.append((entry, sop_uid, "its study belongs to another patient"))
        else:
            patients[study_uid] = patient.with_gaps_filled(newcomer)
            kept[sop_uid] = Kept(header.digest, key, header.size)
            batch.new.append((entry, header, key))
    return batch


def _digest(blobs: Blobs, known: Kept, newcomer: Header) -> str:
    """The digest of what is kept; where the index has none, the file says, if it is whole."""
    if known.digest or not blobs.holds(known.blob_key, known.size):
        return known.digest or newcomer.digest
    return headers.digest(blobs.path(known.blob_key))


def _keys(batch: _Batch) -> set[str]:
    return {key for _, _, key in batch.linked}


def _readable(entries: list[Entry], batch: _Batch, given: Callable[[str], Given]) -> Iterator[tuple[Entry, Header]]:
    held = 0
    for entry in entries:
        if held > _HELD:
            return  # the others come with the next batch
        try:
            header = headers.read(entry.path, given)
            held += len(header.metadata)
            yield entry, header
        except UnreadableInstanceError as fault:
            batch.rejected.append((entry, str(fault)))
        except OSError as fault:
            if fault.errno not in _BAD_FILE:
                raise
            batch.rejected.append((entry, f"its file cannot be read: {fault.strerror}"))
        except Exception as fault:
            log.exception("%s could not be read", entry.name)
            batch.rejected.append((entry, f"it could not be read ({type(fault).__name__})"))


def _commit(storage: Storage, batch: _Batch) -> None:
    came: defaultdict[str, int] = defaultdict(int)
    with storage.transaction():
        storage.studies.add((header, key) for _, header, key in batch.new)
        for _, header, _ in batch.new:
            came[header.uids[0]] += 1
        for _, header, key in batch.lost:
            log.error("the archive had lost %s; what came again takes its place", key)
            storage.studies.move(header, key)
        doubts = {(header.uids[0], header.origin.source_ae, header.doubt) for _, header, _ in batch.new if header.doubt}
        for study_uid, source, why in sorted(doubts):
            log.warning("%s: %s; tell their character set: pacsbox peer change NAME --character-set", source, why)
            storage.events.add(events.CHARACTER_SET_DOUBTED, study_uid, source=source, why=why)
        for study_uid, instances in came.items():
            storage.events.add(events.STUDY_RECEIVED, study_uid, instances=instances)
        for entry, reason in batch.rejected:
            storage.events.add(events.INSTANCE_REJECTED, entry=entry.name, reason=reason)
        for entry, _, reason in batch.conflicts:
            storage.events.add(events.INSTANCE_CONFLICT, entry=entry.name, reason=reason)


def blob_key(study_instance_uid: str, entry: Entry) -> str:
    """The archive's key of an entry: a folder a study, named by a hash, and the entry's own name."""
    folder = hashlib.sha256(study_instance_uid.encode()).hexdigest()[:32]
    return f"{folder[:2]}/{folder}/{entry.name}.dcm"
