"""All checks in turn: what a person who looks after the box would look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from appliance.box import Box
from appliance.health import archive, backlog, clock, disk, index, services, settings, transfers, viewer, worklist
from appliance.health.finding import Finding

CHECKS: tuple[Callable[[Box], Iterator[Finding]], ...] = (
    disk.check,
    services.check,
    backlog.check,
    index.check,
    archive.check,
    transfers.check,
    worklist.check,
    clock.check,
    settings.check,
    viewer.check,
)


def examine(box: Box) -> list[Finding]:
    """What all checks find."""
    return [finding for check in CHECKS for finding in check(box)]
