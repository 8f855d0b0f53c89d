"""One claimed transfer, from the claim to its end; what is acknowledged is durable soon, and not told before.

```
claimed -> peer gone? study gone? -> send, in a thread of its own -> done | failed | queued again, later
                                       |    '-> cancelled meanwhile, or the sender stops: between two instances
                                       '-> ledger -> index: several acknowledgements in one commit
```
An acknowledgement that a power cut takes does no harm: the instance is sent once more, and the peer says that it
has it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from appliance.errors import IndexUnavailableError
from appliance.events import stamp
from appliance.peers.faults import Fault, PeerError
from appliance.storage.contract import Storage
from appliance.storage.rows import Peer, Transfer, TransferItem, TransferState
from appliance.transfers import words
from appliance.transfers.ledger import Ledger, Outcome
from appliance.transfers.queue import tell

log = logging.getLogger(__name__)

_LOOK = 0.1
"""Seconds between two commits, and between looks whether the transfer was cancelled."""
_NEWS = 0.25
"""Seconds between two events of progress: enough for the eye."""
INDEX_DOWN = 2.0
"""Seconds before the index is tried again."""


class Send(Protocol):
    """How instances are sent: `dimse.client.send`, in the box."""

    def __call__(
        self,
        peer: Peer,
        items: Sequence[TransferItem],
        report: Callable[[Outcome], None],
        stopped: Callable[[], bool],
    ) -> None:
        """Send `items`, `report` each as it is settled, ask `stopped` before each; raises `PeerError`.

        Both may be called by several threads.
        """


Delay = Callable[[Fault, int, int], float | None]
"""`retry.delay`."""


class Delivery:
    """A transfer that this process has claimed."""

    def __init__(
        self,
        storage: Storage,
        transfer: Transfer,
        stop: threading.Event,
        *,
        send: Send,
        attempts: int,
        delay: Delay,
    ) -> None:
        self._storage = storage
        self._send = send
        self._transfer = transfer
        self._stop = stop
        self._limit = attempts
        self._delay = delay
        self._told = time.monotonic()

    def run(self) -> None:
        """Bring it as far as it goes now. Raises `IndexUnavailableError`; then `run` again."""
        peer = self._storage.peers.get(self._transfer.peer)
        if peer is None:
            return self._finish(TransferState.FAILED, words.peer_removed(self._transfer.peer))
        if self._transfer.attempts > self._limit:
            return self._finish(TransferState.FAILED, words.interrupted(self._limit))
        try:
            self._bring_over(peer, self._present())
            self._conclude()
        except PeerError as fault:
            log.info("transfer %d to %s: %s", self._transfer.id, peer.name, fault)
            self._postpone(fault.fault, str(fault))
        except IndexUnavailableError:
            raise
        except Exception:  # the outermost loop of a transfer: the next one shall be sent all the same
            log.exception("transfer %d to %s failed by a fault of ours", self._transfer.id, peer.name)
            self._postpone(Fault.OURS, words.fault_of_ours(peer.name))

    def rescue(self) -> None:
        """Put it off if it was left in the middle: the thread that had it is dead."""
        if not self._stop.is_set() and self._now().state is TransferState.SENDING:
            self._postpone(Fault.OURS, words.fault_of_ours(self._transfer.peer))

    def _now(self) -> Transfer:
        return self._storage.transfers.get(self._transfer.id) or self._transfer

    def _present(self) -> list[TransferItem]:
        """The instances to send; those that were deleted meanwhile are settled."""
        pending = self._storage.transfers.pending(self._transfer.id)
        gone = [Outcome(item.sop_instance_uid, False, words.DELETED_HERE) for item in pending if not item.blob_key]
        self._patiently(lambda: self._record(gone))
        return [item for item in pending if item.blob_key]

    def _bring_over(self, peer: Peer, items: Sequence[TransferItem]) -> None:
        """Send in a thread of its own, and write down meanwhile what is settled."""
        ledger, end = Ledger(), threading.Event()

        def send() -> None:
            try:
                self._send(peer, items, ledger.note, lambda: end.is_set() or self._stop.is_set())
            except Exception as fault:  # noqa: BLE001 - raised again by the thread that waits
                ledger.close(fault)
            else:
                ledger.close()

        def look() -> None:
            self._write_down(ledger)
            if self._now().state is not TransferState.SENDING:
                end.set()

        # A daemon, since a peer that hangs must not keep the process from ending.
        threading.Thread(target=send, name=f"transfer-{self._transfer.id}-send", daemon=True).start()
        try:
            while not ledger.closed:
                ledger.wait_for_news(_LOOK)
                self._patiently(look)
                ledger.wait_for_end(_LOOK)
            self._patiently(look)
        finally:
            end.set()
            ledger.give_up()
        if ledger.fault is not None:
            raise ledger.fault

    def _patiently(self, act: Callable[[], None]) -> None:
        """An index that is away is waited for: what was sent meanwhile is not forgotten."""
        while True:
            try:
                return act()
            except IndexUnavailableError as fault:
                log.error("%s %s", fault, fault.hint)
                if self._stop.wait(INDEX_DOWN):
                    raise

    def _write_down(self, ledger: Ledger) -> None:
        outcomes = ledger.outcomes()
        self._record(outcomes)
        ledger.written(len(outcomes))

    def _record(self, outcomes: Sequence[Outcome]) -> None:
        """Make them durable."""
        if not outcomes:
            return
        transfers = self._storage.transfers
        with self._storage.transaction():
            transfers.acknowledge(self._transfer.id, _notes(outcomes, sent=True))
            transfers.refuse(self._transfer.id, _notes(outcomes, sent=False))
            if time.monotonic() - self._told >= _NEWS:
                self._told = time.monotonic()
                tell(self._storage, self._now())

    def _postpone(self, fault: Fault, message: str) -> None:
        attempts = self._now().attempts
        seconds = self._delay(fault, attempts, self._limit)
        if seconds is None:
            self._finish(TransferState.FAILED, words.given_up(message, attempts))
        else:
            due = stamp(datetime.now(UTC) + timedelta(seconds=seconds))
            self._finish(TransferState.QUEUED, message, due)

    def _conclude(self) -> None:
        now = self._now()
        if now.state is not TransferState.SENDING:
            return
        if now.sent + now.refused < now.total:
            if not self._stop.is_set():
                raise RuntimeError(f"transfer {now.id} ended with instances unsettled")
            with self._storage.transaction():
                self._storage.transfers.put_back(now.id)
                tell(self._storage, self._now())
        elif now.refused:
            self._finish(TransferState.FAILED, self._left_out(now))
        else:
            notes = self._storage.transfers.notes(now.id)
            self._finish(TransferState.DONE, words.done(notes, now.total, self._arrived_since(now)))

    def _arrived_since(self, now: Transfer) -> int:
        """A transfer is the study as it was when queued: how many more it has by now."""
        study = self._storage.studies.study(now.study_instance_uid)
        return study.number_of_study_related_instances - now.total if study else 0

    def _left_out(self, now: Transfer) -> str:
        if self._storage.studies.study(now.study_instance_uid) is None:
            return words.study_deleted(now.sent, now.total)
        return words.left_out([reason for _, reason in self._storage.transfers.refusals(now.id)], now.total)

    def _finish(self, state: TransferState, message: str = "", due: str = "") -> None:
        with self._storage.transaction():
            if state is TransferState.DONE:
                self._storage.proofs.want(self._transfer.id)
            if self._storage.transfers.finish(self._transfer.id, state, message, due):
                tell(self._storage, self._now())


def _notes(outcomes: Sequence[Outcome], *, sent: bool) -> dict[str, str]:
    return {outcome.sop_instance_uid: outcome.note for outcome in outcomes if outcome.sent is sent}
