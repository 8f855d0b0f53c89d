"""What a peer's report does to the transfer that it is about: a pure decision, then one transaction."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from appliance.commitment import words
from appliance.commitment.messages import Failure, Report
from appliance.storage.contract import Storage
from appliance.storage.rows import Proof, Reference, Transfer, TransferState
from appliance.transfers.queue import tell

log = logging.getLogger(__name__)

MOST_RESENT = 1
"""How often what a peer lacks is sent again by itself."""
OPEN = (Proof.ASKING, Proof.AWAITING)
"""States in which a report is waited for."""
_FOR_GOOD = frozenset((Failure.CLASS_INSTANCE_CONFLICT, Failure.CLASS_NOT_SUPPORTED))
"""Reasons that sending again does not cure."""


@dataclass(frozen=True)
class Outcome:
    """What a report means for a transfer."""

    kept: frozenset[str]
    missing: Mapping[str, int] = field(default_factory=dict)
    """Reasons by SOP Instance UID."""
    send_again: bool = False


def weigh(asked: Collection[Reference], report: Report, resent: int) -> Outcome:
    """What `report` says of the instances that were `asked` about; what it does not name is not confirmed.

    A report of success without any list is the peer's word for all of them.
    """
    named = {reference.sop_instance_uid for reference in report.kept}
    failed = {reference.sop_instance_uid: reason for reference, reason in report.failed}
    everything = report.all_kept and not report.kept
    wanted = [reference.sop_instance_uid for reference in asked]
    missing = {
        uid: failed.get(uid, int(Failure.NO_SUCH_INSTANCE))
        for uid in wanted
        if uid in failed or not (everything or uid in named)
    }
    curable = resent < MOST_RESENT and not _FOR_GOOD.intersection(missing.values())
    return Outcome(frozenset(wanted) - missing.keys(), missing, bool(missing) and curable)


def answer(storage: Storage, report: Report) -> bool:
    """Write down a peer's report; False when nothing is known of its transaction. Raises `IndexUnavailableError`."""
    with storage.transaction():
        transfer = storage.proofs.of_transaction(report.transaction_uid)
        if transfer is None:
            return False
        if transfer.proof not in OPEN:
            _hear_late(storage, transfer, report)
            return True
        outcome = weigh(storage.proofs.unproven(transfer.id), report, transfer.resent)
        storage.proofs.confirm(transfer.id, outcome.kept)
        if not outcome.missing:
            storage.proofs.settle(transfer.id, Proof.CONFIRMED)
        elif outcome.send_again:
            message = words.sent_again(transfer.peer, len(outcome.missing), transfer.total)
            storage.proofs.send_again(transfer.id, outcome.missing, message)
        else:
            reasons = {uid: words.not_kept(transfer.peer, reason) for uid, reason in outcome.missing.items()}
            message = words.incomplete(transfer.peer, outcome.missing.values(), transfer.total, transfer.resent)
            storage.proofs.fail(transfer.id, reasons, message)
        _tell(storage, transfer)
    kept, missing = len(outcome.kept), len(outcome.missing)
    log.info("%s keeps %d images of transfer %d and lacks %d", transfer.peer, kept, transfer.id, missing)
    return True


def _hear_late(storage: Storage, transfer: Transfer, report: Report) -> None:
    """It was settled already: only a late word that all is well still counts."""
    if transfer.proof is Proof.UNANSWERED and transfer.state is TransferState.DONE and report.all_kept:
        storage.proofs.settle(transfer.id, Proof.CONFIRMED)
        _tell(storage, transfer)


def settle(storage: Storage, transfer: Transfer, proof: Proof) -> None:
    """There is no report to wait for any more."""
    with storage.transaction():
        now = storage.transfers.get(transfer.id)
        if now and now.state is TransferState.DONE and now.proof in OPEN:
            storage.proofs.settle(transfer.id, proof)
            _tell(storage, transfer)


def _tell(storage: Storage, transfer: Transfer) -> None:
    tell(storage, storage.transfers.get(transfer.id) or transfer)
