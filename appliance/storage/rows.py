"""The rows that are not DICOM's own: events, shares, peers, transfers. Times are UTC, ISO 8601."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


@dataclass(frozen=True)
class Event:
    """Something that changed, written in the transaction of the change."""

    seq: int
    at: str
    kind: str
    """One of `appliance.events`."""
    study_instance_uid: str
    """Empty where it concerns no study."""
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Kept:
    """What the index says of an instance's bytes."""

    digest: str
    """SHA-256 of the data set."""
    blob_key: str
    size: int
    """Bytes of the file."""


@dataclass(frozen=True)
class Share:
    """A patient's access to one study. Neither the code nor the PIN is kept, only what proves them."""

    id: int
    study_instance_uid: str
    code_hash: str
    """SHA-256 of the link's code, hex."""
    pin_hash: str
    """argon2id of the PIN; empty for a share without PIN."""
    created: str
    expires: str
    revoked: str
    """When staff ended it; empty while it runs."""
    failed_attempts: int
    """Wrong PINs in the share's whole life; staff re-arm it by setting it to 0."""
    session_epoch: int
    """Sessions opened in an older epoch are void."""


@dataclass(frozen=True)
class Opening:
    """One line of a share's log."""

    share_id: int
    at: str
    address: str
    what: str
    """`opened`, `wrong pin`, `locked`, `picture`, `document`, `download`, ..."""
    detail: str = ""


@dataclass(frozen=True)
class Peer:
    """A remote AE that we know."""

    name: str
    """What staff call it; unique without regard to case."""
    ae_title: str
    host: str
    port: int
    created: str = ""


@dataclass(frozen=True)
class Token:
    """A program's access to the clinic door. Its signed text is not kept."""

    id: str
    """Random; the text names it."""
    name: str
    """What staff call it; unique among those in use, without regard to case."""
    may: tuple[str, ...]
    """What it is good for: `appliance.access.scope.Permission`."""
    created: str
    expires: str
    revoked: str = ""
    """When staff ended it; empty while it runs."""


class TransferState(StrEnum):
    """Where a transfer is.

    queued -> sending -> done
                 |-> queued (again, after a fault that waiting may cure)
                 |-> failed (after one that it won't, or too many of the others)
    queued | sending -> cancelled, or failed when its peer is removed;  failed | cancelled -> queued (staff retry)
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
