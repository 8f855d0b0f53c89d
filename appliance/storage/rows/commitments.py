"""What callers ask us to commit to the storage of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class Reference:
    """An instance as storage commitment names it."""

    sop_class_uid: str
    sop_instance_uid: str


class CommitmentState(StrEnum):
    """Where a caller's question is: open -> reported | given up;  reported | given up -> open (it asks again)."""

    OPEN = "open"
    REPORTED = "reported"
    GIVEN_UP = "given up"


@dataclass(frozen=True)
class Commitment:
    """A caller asked us to commit to the storage of instances; it is told by a report."""

    transaction_uid: str
    ae_title: str
    """Who asked."""
    called: str
    """What it called us, which is how we call ourselves in the report."""
    address: str
    references: tuple[Reference, ...]
    """Empty once it is closed."""
    fingerprint: str
    """Tells whether two lists of references are the same."""
    mark: str
    """What was newest in the spool then: what came before must have left it before anything is called missing."""
    due: str
    """When it is looked at next."""
    duplicate: bool = False
    """Whether another question had the same Transaction UID, which is an answer by itself."""
    state: CommitmentState = CommitmentState.OPEN
    attempts: int = 0
    message: str = ""
    """In plain words: what hinders the report."""
    total: int = 0
    failed: int = 0
    """How many we did not commit to."""
    id: int = 0
    created: str = ""
    """When it was asked, the last time."""
    updated: str = ""
