"""Asks the peers of transfers that are done whether they keep what they were sent. Runs in the sender.

```
done -> asking --peer offers it--> awaiting --report, on this association or on one of its own--> `proofs.answer`
          |                           '--no report in time--> unanswered
          |--not offered
          '--cannot be asked--> put off, with growing pauses -> unanswered
```
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from appliance.commitment import proofs
from appliance.commitment.messages import Question, Report
from appliance.events import stamp
from appliance.peers.faults import PeerError
from appliance.storage.contract import Storage
from appliance.storage.rows import Peer, Proof, Transfer
from appliance.transfers.retry import BEYOND, DELAYS

log = logging.getLogger(__name__)

_ATTEMPTS = 12
"""Tries to ask: they go on for about four hours."""


class Ask(Protocol):
    """How a peer is asked: `dimse.client.commitment.ask`, in the box."""

    def __call__(
        self, peer: Peer, question: Question, hear: Callable[[Report], bool], settled: Callable[[], bool]
    ) -> bool:
        """Ask; False when the peer doesn't offer it. Raises `PeerError`.

        Then listen for a while whether it reports at once: `hear` writes the report down, and says whether it is
        known; it is over when it is `settled`, perhaps over another association.
        """


class Prover:
    """Asks for what transfers want to know. One process of a box has it at a time."""

    def __init__(self, ask: Ask, patience: timedelta, delays: tuple[float, ...] = DELAYS) -> None:
        """`patience` is how long a peer has to report; with none, no peer is asked."""
        self._ask = ask
        self._patience = patience
        self._delays = delays

    def once(self, storage: Storage, stop: threading.Event) -> None:
        """Ask all that are due; a peer that can't be asked is tried once."""
        now = datetime.now(UTC)
        for transfer in storage.proofs.overdue(stamp(now)):
            proofs.settle(storage, transfer, Proof.UNANSWERED)
        silent: set[str] = set()
        for transfer in storage.proofs.due(stamp(now), stamp(now + timedelta(seconds=BEYOND))):
            if stop.is_set():
                return
            if transfer.peer in silent:
                continue
            if not self._try(storage, transfer, stop):
                silent.add(transfer.peer)

    def _try(self, storage: Storage, transfer: Transfer, stop: threading.Event) -> bool:
        """Whether the peer could be asked, or need not be."""
        peer = storage.peers.get(transfer.peer)
        # DICOMweb has no storage commitment.
        if not self._patience or (peer and peer.url):
            proofs.settle(storage, transfer, Proof.NONE)
            return True
        references = tuple(each for each in storage.proofs.unproven(transfer.id) if each.sop_class_uid)
        if peer is None or not references:
            proofs.settle(storage, transfer, Proof.UNANSWERED)
            return True
        question = Question(f"2.25.{uuid.uuid4().int}", references)
        with storage.transaction():
            storage.proofs.begin(transfer.id, question.transaction_uid)

        def settled() -> bool:
            now = storage.proofs.of_transaction(question.transaction_uid)
            return stop.is_set() or now is None or now.proof not in proofs.OPEN

        try:
            offered = self._ask(peer, question, lambda report: proofs.answer(storage, report), settled)
        except PeerError as fault:
            self._put_off(storage, transfer, question, fault)
            return False
        if offered:
            with storage.transaction():
                until = stamp(datetime.now(UTC) + self._patience)
                storage.proofs.wait(transfer.id, question.transaction_uid, until)
        else:
            proofs.settle(storage, transfer, Proof.NOT_OFFERED)
        return True

    def _put_off(self, storage: Storage, transfer: Transfer, question: Question, fault: PeerError) -> None:
        tries = transfer.asked + 1
        log.info("%s cannot be asked whether it keeps transfer %d: %s", transfer.peer, transfer.id, fault)
        if tries >= _ATTEMPTS:
            proofs.settle(storage, transfer, Proof.UNANSWERED)
            return
        pause = self._delays[min(tries - 1, len(self._delays) - 1)]
        with storage.transaction():
            due = stamp(datetime.now(UTC) + timedelta(seconds=pause))
            storage.proofs.put_off(transfer.id, question.transaction_uid, due)
