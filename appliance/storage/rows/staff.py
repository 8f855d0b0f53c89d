"""People of the clinic who may come in by the clinic door."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """Someone who logs in with a name and a password, of which only what proves it is kept."""

    id: int
    name: str
    """As it is shown and audited; unique without regard to case."""
    password_hash: str
    """argon2id."""
    may: tuple[str, ...]
    """What they are allowed: `appliance.access.scope.Permission`."""
    created: str
    disabled: str = ""
    """Since when they are shut out; empty while they may come in."""
    session_epoch: int = 0
    """Sessions opened in an older epoch are void."""
