"""The outgoing queue, and whether peers keep what it brought."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TransferState(StrEnum):
    """Where a transfer is.

    queued -> sending -> done
                 |-> queued (again, after a fault that waiting may cure)
                 |-> failed (after one that it won't, or too many of the others)
    queued | sending -> cancelled, or failed when its peer is removed;  failed | cancelled -> queued (staff retry)
    done -> queued | failed (the peer says later that it does not keep all of it: see `Proof`)
    """

    QUEUED = "queued"
    SENDING = "sending"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens by itself."""
        return self in (TransferState.DONE, TransferState.FAILED, TransferState.CANCELLED)


class Proof(StrEnum):
    """Whether the peer confirms that it keeps what a transfer that is done has brought (PS3.4 annex J).

    (none) -> asking -> awaiting -> confirmed
                 |          |-> (none): what it lacks is sent again, and then it is asked again
                 |          |-> incomplete: it lacks some after all
                 |          '-> unanswered
                 |-> not offered
                 '-> unanswered
    """

    NONE = ""
    ASKING = "asking"
    AWAITING = "awaiting"
    CONFIRMED = "confirmed"
    INCOMPLETE = "incomplete"
    UNANSWERED = "unanswered"
    NOT_OFFERED = "not offered"


@dataclass(frozen=True)
class Transfer:
    """One study on its way to one peer."""

    id: int
    study_instance_uid: str
    peer: str
    state: TransferState
    attempts: int
    """Tries since an instance last went through, the running one included."""
    due: str
    """When it may be tried next."""
    message: str
    """In plain words: what hinders it, or what was left out; empty when all is well."""
    total: int
    sent: int
    refused: int
    created: str
    updated: str
    proof: Proof = Proof.NONE
    proof_at: str = ""
    """When the peer is asked next, until when it has to answer, or when it was settled."""
    asked: int = 0
    """How often it was tried to ask the peer, since the images went out."""
    resent: int = 0
    """How often images were sent again because the peer did not keep them."""


@dataclass(frozen=True)
class TransferItem:
    """One instance of a transfer that is not settled yet."""

    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    blob_key: str
    """Empty, as the two before it, when the instance was deleted meanwhile."""
    size: int
    """Bytes that its file should have."""
