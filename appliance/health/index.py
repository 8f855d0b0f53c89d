"""Is the index sound, and is there a fresh snapshot of what only it knows?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from appliance.box import Box
from appliance.errors import IndexUnavailableError
from appliance.health.finding import Finding, Severity

_OLD = timedelta(hours=3)
"""One is taken by the hour."""


def check(box: Box) -> Iterator[Finding]:
    """SQLite's own check, how much it holds, and when the last snapshot was taken."""
    try:
        storage = box.storage
        faults = storage.check()
    except IndexUnavailableError as fault:
        yield Finding(Severity.PROBLEM, "index", str(fault), fault.hint)
        return
    if faults:
        yield Finding(
            Severity.PROBLEM,
            "index",
            f"The index is damaged: {faults[0]}.",
            "Stop the indexer and run `pacsbox reindex`: archive and snapshots can rebuild it.",
        )
        return
    if box.rebuild.under_way:
        yield Finding(Severity.NOTE, "index", "The index is being rebuilt from the archive; studies appear one by one.")
    studies, instances = storage.studies.count()
    yield Finding(
        Severity.OK, "index", f"{studies} studies with {instances} images; the index is sound; {_last_snapshot(box)}."
    )
    yield from _too_old(box)


def _last_snapshot(box: Box) -> str:
    taken = box.snapshots.all()
    return f"last snapshot: {taken[0].taken:%Y-%m-%d %H:%M} UTC" if taken else "no snapshot yet"


def _too_old(box: Box) -> Iterator[Finding]:
    """Where the indexer is down, the check of services tells it."""
    taken = box.snapshots.all()
    if taken and datetime.now(UTC) - taken[0].taken > _OLD:
        yield Finding(
            Severity.PROBLEM,
            "index",
            "No snapshot of shares, peers, tokens and the audit was taken for hours.",
            "See whether the indexer runs, and what it logs.",
        )
