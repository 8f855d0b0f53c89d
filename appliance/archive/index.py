"""From the spool into archive and index, a batch at a time; safe to kill at any instruction.

```
read headers -> hard-link into the archive, fsync folders -> ONE transaction: rows + events -> unlink
```
An entry leaves the spool only after the commit, and taking it again changes nothing: its archive key comes
from its name, and an instance that the index has is released, not entered twice.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from appliance import events
from appliance.dicom import header as headers
from appliance.dicom.header import Header
from appliance.dicom.model import Study
from appliance.dicom.names import fold
from appliance.errors import IndexUnavailableError, UnreadableInstanceError
from appliance.spool.spool import Entry, Spool
from appliance.storage.contract import Blobs, Storage

log = logging.getLogger(__name__)

BATCH = 200
"""Entries a transaction: enough to share its flushes, few enough to be seen at once."""
_IDLE = 0.05
"""Seconds between looks at an empty spool."""
_TROUBLE = 2.0
"""Seconds before a broken index or a full disk is tried again."""


@dataclass
class _Batch:
    """What is to be done with the entries of one batch."""

    new: list[tuple[Entry, Header, str]] = field(default_factory=list)
    known: list[Entry] = field(default_factory=list)
    conflicts: list[tuple[Entry, str, str]] = field(default_factory=list)
    rejected: list[tuple[Entry, str]] = field(default_factory=list)


class Indexer:
    """Drains the spool. One process of a box has it at a time."""

    def __init__(self, spool: Spool, blobs: Blobs, index: Callable[[], Storage]) -> None:
        """`index` opens the index, or gives it opened; it is asked for each batch."""
        self._spool = spool
        self._blobs = blobs
        self._index = index

    def run(self, stop: threading.Event) -> None:
        """Drain the spool until `stop`; a broken index or a full disk is waited for, and nothing is lost."""
        while not stop.is_set():
            try:
                if not self.drain_batch():
                    stop.wait(_IDLE)
            except IndexUnavailableError as fault:
                log.error("%s %s", fault, fault.hint)
                stop.wait(_TROUBLE)
            except OSError as fault:
                log.error("the disk does not let the indexer work: %s", fault)
                stop.wait(_TROUBLE)

    def drain_batch(self) -> int:
        """Bring one batch in; how many entries it had."""
        entries = self._spool.waiting(BATCH)
        if not entries:
            return 0
        storage = self._index()
        batch = _decide(storage, entries)
        for entry, _, key in batch.new:
            self._blobs.link(key, entry.path)
        self._blobs.sync(key for _, _, key in batch.new)
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
        for entry in (*(entry for entry, _, _ in batch.new), *batch.known):
            self._spool.release(entry)


def _decide(storage: Storage, entries: list[Entry]) -> _Batch:
    batch = _Batch()
    read: list[tuple[Entry, Header]] = []
    for entry in entries:
        try:
            read.append((entry, headers.read(entry.path)))
        except UnreadableInstanceError as fault:
            batch.rejected.append((entry, str(fault)))
        except OSError:
            raise
        except Exception as fault:
            log.exception("%s could not be read", entry.name)
            batch.rejected.append((entry, f"it could not be read ({type(fault).__name__})"))
    known = storage.studies.digests([header.uids[2] for _, header in read])
    patients: dict[str, Header | Study] = {
        study.study_instance_uid: study
        for study in storage.studies.studies(list({header.uids[0] for _, header in read}))
    }
    for entry, header in read:
        study_uid, _, sop_uid = header.uids
        if sop_uid in known:
            if known[sop_uid] == header.digest:
                batch.known.append(entry)
            else:
                batch.conflicts.append((entry, sop_uid, "we have another image of the same identity"))
        elif not same_patient(patients.setdefault(study_uid, header), header):
            batch.conflicts.append((entry, sop_uid, "its study belongs to another patient"))
        else:
            known[sop_uid] = header.digest
            batch.new.append((entry, header, blob_key(study_uid, entry)))
    return batch


def _commit(storage: Storage, batch: _Batch) -> None:
    came: defaultdict[str, int] = defaultdict(int)
    with storage.transaction():
        for _, header, key in batch.new:
            storage.studies.add(header, key)
            came[header.uids[0]] += 1
        storage.studies.recount(came)
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


def same_patient(one: Header | Study, other: Header) -> bool:
    """Whether an instance may join a study: two people's images in one study would be shown to both.

    Another patient ID alone is no reason, since IDs differ between clinics and are corrected; another ID with
    another name or birth date is.
    """
    known = one.study if isinstance(one, Header) else vars(one)
    new = other.study
    if not _differ(known["patient_id"], new["patient_id"]):
        return True
    return not (
        _differ(fold(known["patient_name"]), fold(new["patient_name"]))
        or _differ(known["patient_birth_date"], new["patient_birth_date"])
    )


def _differ(one: str, other: str) -> bool:
    return bool(one) and bool(other) and one != other
