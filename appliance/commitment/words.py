"""Proof of storage in plain words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from appliance.commitment.messages import Failure
from appliance.dicom.model import moment
from appliance.storage.rows import Proof, Transfer
from appliance.transfers.words import images

WAITS_FOR_INDEXER = "Images that came before the question are not in the index yet."

_REASONS = {
    Failure.PROCESSING: "could not make sure of it",
    Failure.NO_SUCH_INSTANCE: "does not have it",
    Failure.CLASS_INSTANCE_CONFLICT: "has it as another kind of image",
    Failure.CLASS_NOT_SUPPORTED: "does not keep its kind",
    Failure.DUPLICATE_TRANSACTION: "takes our question for another one",
    Failure.RESOURCES: "has no room to make sure of it",
}


def unknown(ae_title: str) -> str:
    """Who asked is nobody that we could call."""
    return f"No peer has the AE title {ae_title}: add it, with its address and port, and it will be told."


def refused(peer: str, status: int, said: str = "") -> str:
    """The peer offers storage commitment, but did not take our question."""
    quoted = f", “{said}”" if said else ""
    return f"{peer} did not take the question what it keeps ({status:04X}{quoted})."


def report_refused(peer: str, status: int) -> str:
    """The peer did not take the report that it had asked for."""
    return f"{peer} did not take the report of what is kept here ({status:04X})."


def report_not_offered(peer: str) -> str:
    """The peer asked what is kept here, but does not let us tell it."""
    return f"{peer} asked what is kept here, but does not take a call that tells it."


def not_kept(peer: str, reason: int) -> str:
    """Why a peer does not commit to an instance."""
    return (
        f"{peer} {_REASONS.get(Failure(reason), '') if reason in set(Failure) else 'does not keep it'} ({reason:04X})."
    )


def sent_again(peer: str, missing: int, total: int) -> str:
    """What a transfer says while what the peer lacks goes out once more."""
    return f"{peer} says that it does not keep {missing} of {images(total)}: sending {_those(missing)} again."


def incomplete(peer: str, reasons: Iterable[int], total: int, resent: int) -> str:
    """What a transfer says when the peer lacks some for good."""
    counted = Counter(reasons)
    reason, _ = counted.most_common(1)[0]
    missing = counted.total()
    mainly = ", mainly" if len(counted) > 1 else ""
    again = ", though sent again" if resent else ""
    return f"{missing} of {images(total)} not kept{again}{mainly}: {not_kept(peer, reason)}"


def proof(transfer: Transfer) -> str:
    """How it stands with the peer's word that it keeps what a transfer has brought; empty where there is none."""
    if transfer.proof is Proof.CONFIRMED:
        local = moment(transfer.proof_at).astimezone()
        return f"confirmed by {transfer.peer} on {local:%Y-%m-%d} at {local:%H:%M}"
    return {
        Proof.AWAITING: f"waiting for {transfer.peer} to confirm that it keeps them",
        Proof.UNANSWERED: f"{transfer.peer} was asked and did not say whether it keeps them",
    }.get(transfer.proof, "")


def _those(number: int) -> str:
    return "it" if number == 1 else "them"
