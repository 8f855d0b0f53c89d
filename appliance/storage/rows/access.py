"""Programs' access to the clinic door, and who read or wrote what."""

from __future__ import annotations

from dataclasses import dataclass


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


@dataclass(frozen=True)
class AuditRow:
    """Someone read or wrote something: like requests of a short while are one row."""

    first: str
    """When the first of the requests was answered."""
    last: str
    who: str
    """`token Reading room`, `share 3`, `this machine`, an AE title."""
    address: str
    action: str
    """`query`, `retrieve`, `store`, `delete`, ..."""
    resource: str
    """Which kind: `studies`, `metadata`, `frames`, `file`, ..."""
    study_instance_uid: str
    """Empty where it was about no study, or many."""
    outcome: str
    """`ok`, or the status that told of a refusal."""
    requests: int = 1
    items: int = 1
    """How many studies, instances or frames were told of, sent or taken in."""
    id: int = 0
    """Its number in the index."""
