"""What we can commit to: what the index knows, and whose file is really there.

```
asked -> does older work wait in the spool? -> yes: no verdict yet
                                               no:  each instance: known? of that class? its file whole? -> verdict
```
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from enum import Enum

from appliance.commitment.messages import Failure, Report
from appliance.dicom import header
from appliance.errors import UnreadableInstanceError
from appliance.spool import backlog
from appliance.spool.spool import Spool
from appliance.storage.contract import Blobs, Storage
from appliance.storage.rows import Commitment, Held, Reference

log = logging.getLogger(__name__)

READ = 256 << 20
"""Bytes that are read for one verdict, to compare them with what came: about a second's work. Of files beyond that
only the size is looked at."""


class File(Enum):
    """The file of an instance."""

    SOUND = "sound"
    GONE = "gone"
    """Or not of its size."""
    DAMAGED = "damaged"


def failure(reference: Reference, held: Held | None, file: File, *, disputed: bool = False) -> Failure | None:
    """Why we do not commit to an instance; None when we do.

    `disputed`: other bytes came for it too, and staff have not decided. Who asks may mean those.
    """
    if held is None or file is File.GONE:
        return Failure.NO_SUCH_INSTANCE
    if held.sop_class_uid != reference.sop_class_uid:
        return Failure.CLASS_INSTANCE_CONFLICT
    return Failure.PROCESSING if disputed or file is File.DAMAGED else None


class Evidence:
    """The archive and the spool of this box."""

    def __init__(self, blobs: Blobs, spool: Spool, read: int = READ) -> None:
        self._blobs = blobs
        self._spool = spool
        self._read = read

    def mark(self) -> str:
        """The moment at which something is asked."""
        return backlog.mark(self._spool)

    def is_in(self, commitment: Commitment) -> bool:
        """Whether all that was here when it was asked is indexed, rejected or in conflict by now."""
        return backlog.has_left(self._spool, commitment.mark)

    def report(self, storage: Storage, commitment: Commitment, *, late: bool = False) -> Report | None:
        """What the caller is to be told; None as long as that isn't sure. When it is `late`, it is told anyhow."""
        if commitment.duplicate:
            return _report(commitment, dict.fromkeys(commitment.references, Failure.DUPLICATE_TRANSACTION))
        is_in = self.is_in(commitment)
        if not (is_in or late):
            return None
        failures = self._failures(storage, commitment.references)
        if not is_in:
            # It may be in the spool, safe but not indexed: that is no commitment, nor is it missing.
            failures = {
                reference: Failure.PROCESSING if found is Failure.NO_SUCH_INSTANCE else found
                for reference, found in failures.items()
            }
        return _report(commitment, failures)

    def _failures(self, storage: Storage, references: Iterable[Reference]) -> dict[Reference, Failure | None]:
        references = tuple(references)
        held = storage.commitments.held([reference.sop_instance_uid for reference in references])
        files = {uid: self._file(row) for uid, row in self._within_budget(held)}
        disputed = {aside.sop_instance_uid for aside in self._spool.set_aside(self._spool.conflicts)}
        return {
            reference: failure(reference, held.get(uid), files.get(uid, File.GONE), disputed=uid in disputed)
            for reference in references
            for uid in (reference.sop_instance_uid,)
        }

    def _within_budget(self, held: Mapping[str, Held]) -> Iterable[tuple[str, tuple[Held, bool]]]:
        """Each with whether its bytes are to be read."""
        left = self._read
        for uid, row in held.items():
            yield uid, (row, row.size <= left)
            left -= min(left, row.size)

    def _file(self, looked_at: tuple[Held, bool]) -> File:
        held, read = looked_at
        try:
            if not self._blobs.holds(held.blob_key, held.size):
                found = File.GONE
            elif read and header.digest(self._blobs.path(held.blob_key)) != held.digest:
                found = File.DAMAGED
            else:
                return File.SOUND
        except (OSError, UnreadableInstanceError):
            found = File.DAMAGED
        log.error("%s is %s: it is not committed to", held.blob_key, found.value)
        return found


def _report(commitment: Commitment, failures: Mapping[Reference, Failure | None]) -> Report:
    kept = tuple(reference for reference, found in failures.items() if found is None)
    failed = tuple((reference, int(found)) for reference, found in failures.items() if found is not None)
    return Report(commitment.transaction_uid, kept, failed, all_kept=not failed)
