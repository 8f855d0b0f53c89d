"""Whether what was in the spool at some moment has left it: before that, nothing can be called missing."""

from __future__ import annotations

import os

from appliance.spool.keeping import is_entry
from appliance.spool.spool import Spool


def mark(spool: Spool) -> str:
    """The spool as it is now: the name of its newest file, since names sort by arrival; empty without any."""
    return max(_names(spool), default="")


def has_left(spool: Spool, mark: str) -> bool:
    """Whether the indexer has dealt with all that had been answered with success at `mark`."""
    return not any(name <= mark and is_entry(spool.new / name) for name in _names(spool))


def _names(spool: Spool) -> list[str]:
    return [name for name in os.listdir(spool.new) if name.endswith(".dcm")]
