"""What became of an entry that was put into the spool."""

from __future__ import annotations

from enum import StrEnum

from appliance.spool.spool import Entry, Spool


class Fate(StrEnum):
    """Where an entry is."""

    WAITING = "waiting"
    """The indexer has not seen it yet."""
    TAKEN = "taken"
    """In the archive and the index, or it was there already."""
    REJECTED = "rejected"
    CONFLICT = "conflict"
    """It contradicts what we have; staff decide."""


def fate(spool: Spool, entry: Entry) -> Fate:
    """Where `entry` is now. The indexer moves an entry in one step, so it is never nowhere."""
    if entry.path.exists():
        return Fate.WAITING
    if (spool.rejected / entry.path.name).exists():
        return Fate.REJECTED
    if (spool.conflicts / entry.path.name).exists():
        return Fate.CONFLICT
    return Fate.TAKEN
