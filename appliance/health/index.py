"""Is the index sound?"""

from __future__ import annotations

from collections.abc import Iterator

from appliance.box import Box
from appliance.errors import IndexUnavailableError
from appliance.health.finding import Finding, Severity


def check(box: Box) -> Iterator[Finding]:
    """SQLite's own check, and how much it holds."""
    try:
        storage = box.storage
    except IndexUnavailableError as fault:
        yield Finding(Severity.PROBLEM, "index", str(fault), fault.hint)
        return
    faults = storage.check()
    if faults:
        yield Finding(
            Severity.PROBLEM,
            "index",
            f"The index is damaged: {faults[0]}.",
            "Stop the indexer, move the file away and run `pacsbox reindex`: the archive can rebuild it.",
        )
        return
    studies, instances = storage.studies.count()
    yield Finding(Severity.OK, "index", f"{studies} studies with {instances} images; the index is sound.")
