"""Tells callers what we keep, over associations of our own, until they have heard it. Runs in the sender.

```
due -> not in the index yet? look again -> peer known? call it -> reported
                                              '-> put off, with growing pauses -> given up
```
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from appliance.commitment import words
from appliance.commitment.asked import asker
from appliance.commitment.evidence import Evidence
from appliance.commitment.messages import Report
from appliance.dicom.model import moment
from appliance.events import stamp
from appliance.peers.faults import PeerError
from appliance.storage.contract import Storage
from appliance.storage.rows import Commitment, CommitmentState, Peer
from appliance.transfers.retry import BEYOND, DELAYS

log = logging.getLogger(__name__)

Tell = Callable[[Peer, str, Report], None]
"""Call a peer under this AE title and report; raises `PeerError`. `dimse.client.commitment.tell`, in the box."""

LONGEST_WAIT = timedelta(hours=1)
"""For what waits in the spool to be indexed; then the caller is told that we could not find out."""
PATIENCE = timedelta(days=3)
"""For a peer that doesn't take its report; then it has to ask again."""
REMEMBERED = timedelta(days=30)
"""For which a Transaction UID is known after its report."""
_LOOK, _LONGEST_LOOK = 2.0, 60.0
"""Seconds until we look again whether the indexer is done."""
_HOUR = 3600.0


class Reporter:
    """Works through what callers have asked. One process of a box has it at a time."""

    def __init__(self, evidence: Evidence, tell: Tell, delays: tuple[float, ...] = DELAYS) -> None:
        self._evidence = evidence
        self._tell = tell
        self._delays = delays
        self._forgot = -_HOUR

    def once(self, storage: Storage, stop: threading.Event) -> None:
        """Try all that are due; a peer that doesn't answer is tried once."""
        now = datetime.now(UTC)
        self._forget(storage, now)
        silent: dict[str, str] = {}
        for commitment in storage.commitments.due(stamp(now), stamp(now + timedelta(seconds=BEYOND))):
            if stop.is_set():
                return
            if commitment.ae_title in silent:
                self._put_off(storage, commitment, silent[commitment.ae_title])
            elif trouble := self._try(storage, commitment):
                silent[commitment.ae_title] = trouble

    def _forget(self, storage: Storage, now: datetime) -> None:
        if time.monotonic() - self._forgot >= _HOUR:
            self._forgot = time.monotonic()
            with storage.transaction():
                storage.commitments.forget(stamp(now - REMEMBERED))

    def _try(self, storage: Storage, commitment: Commitment) -> str:
        """What hinders the report, in words; empty when nothing does."""
        age = datetime.now(UTC) - moment(commitment.created)
        report = self._evidence.report(storage, commitment, late=age > LONGEST_WAIT)
        if report is None:
            # A long backlog takes its time, and long to look through.
            pause = min(max(_LOOK, age.total_seconds() / 10), _LONGEST_LOOK)
            self._postpone(storage, commitment, pause, words.WAITS_FOR_INDEXER, attempts=0)
            return ""
        peer = asker(storage.peers.all(), commitment)
        if peer is None:
            self._put_off(storage, commitment, words.unknown(commitment.ae_title))
            return words.unknown(commitment.ae_title)
        try:
            self._tell(peer, commitment.called, report)
        except PeerError as fault:
            self._put_off(storage, commitment, str(fault))
            return str(fault)
        reported(storage, commitment, report)
        return ""

    def _put_off(self, storage: Storage, commitment: Commitment, trouble: str) -> None:
        if datetime.now(UTC) - moment(commitment.created) > PATIENCE:
            log.error("%s was never told what it asked for: %s", commitment.ae_title, trouble)
            with storage.transaction():
                storage.commitments.close(commitment.id, CommitmentState.GIVEN_UP, message=trouble)
            return
        if not commitment.message:
            log.warning("%s cannot be told what is kept: %s", commitment.ae_title, trouble)
        pause = self._delays[min(commitment.attempts, len(self._delays) - 1)]
        self._postpone(storage, commitment, pause, trouble, attempts=1)

    def _postpone(self, storage: Storage, commitment: Commitment, seconds: float, message: str, attempts: int) -> None:
        due = stamp(datetime.now(UTC) + timedelta(seconds=seconds))
        with storage.transaction():
            storage.commitments.put_off(commitment.id, due, message, attempts)


def reported(storage: Storage, commitment: Commitment, report: Report) -> None:
    """The caller has heard it."""
    log.info("%s was told: %d kept, %d not", commitment.ae_title, len(report.kept), len(report.failed))
    with storage.transaction():
        storage.commitments.close(commitment.id, CommitmentState.REPORTED, failed=len(report.failed))
