"""What is in the spool: waiting, rejected, in conflict."""

from __future__ import annotations

import time
from collections.abc import Iterator

from appliance.box import Box
from appliance.health.finding import Finding, Severity
from appliance.spool.spool import Entry

_LATE = 60.0
"""Seconds after which an entry should long have been indexed."""


def check(box: Box) -> Iterator[Finding]:
    """The backlog, and what waits for a person's decision."""
    spool = box.spool("doctor")
    yield _waiting(spool.waiting())
    rejected = spool.set_aside(spool.rejected)
    if rejected:
        yield Finding(
            Severity.PROBLEM,
            "spool",
            f"{len(rejected)} received files could not be indexed; the last: {rejected[-1].reason}.",
            f"They are safe in {spool.rejected}. Try them again with `pacsbox rejected --retry`, or ask"
            " the sender what they are.",
        )
    conflicts = spool.set_aside(spool.conflicts)
    if conflicts:
        yield Finding(
            Severity.PROBLEM,
            "spool",
            f"{len(conflicts)} received images contradict what is here; the last: {conflicts[-1].reason}.",
            f"The first one stays in use; the newcomers are safe in {spool.conflicts}. See `pacsbox conflicts`.",
        )


def _waiting(waiting: list[Entry]) -> Finding:
    if not waiting:
        return Finding(Severity.OK, "spool", "Everything received is indexed.")
    age = time.time() - int(waiting[0].name.partition("-")[0]) / 1e9
    if age < _LATE:
        return Finding(Severity.OK, "spool", f"{len(waiting)} received images are about to be indexed.")
    return Finding(
        Severity.PROBLEM,
        "spool",
        f"{len(waiting)} received images wait for the indexer, the oldest for {age / 60:.0f} minutes.",
        "They are safe. See whether the indexer runs, and what it logs.",
    )
