"""How the box is, for the line at the foot of every screen."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from appliance.box import Box
from appliance.errors import IndexUnavailableError, StorageFullError
from tui import words

INTERVAL = 2.0
"""Seconds between two takings."""


@dataclass(frozen=True)
class Pulse:
    """One taking."""

    free: int
    """Bytes on the data disk."""
    spare: int
    """Bytes that may still be received before the box refuses."""
    down: tuple[str, ...]
    """The services that don't run."""
    unfinished: int
    """Transfers that wait or run."""
    set_aside: int
    """Files in the spool that wait for staff."""

    @property
    def sender_up(self) -> bool:
        """Whether transfers move."""
        return "sender" not in self.down

    @property
    def concerns(self) -> int:
        """How many things need a person."""
        return len(self.down) + self.set_aside + (self.spare <= 0)


def take(box: Box) -> Pulse:
    """How the box is now; every part of it may be missing."""
    try:
        spool = box.spool("tui")
        spare, set_aside = spool.free(), _files(spool.rejected, spool.conflicts)
    except StorageFullError:
        spare, set_aside = 0, 0
    try:
        # Opening an index that is not there would make one.
        unfinished = len(box.transfers.all(limit=1000, unfinished=True)) if box.index_path.exists() else 0
    except IndexUnavailableError:
        unfinished = 0
    down = tuple(sign.name for sign in box.signs() if not sign.up)
    return Pulse(shutil.disk_usage(box.data_dir).free, spare, down, unfinished, set_aside)


def _files(*folders: Path) -> int:
    return sum(1 for folder in folders for _ in folder.glob("*.dcm"))


def parts(pulse: Pulse) -> Iterable[tuple[str, str]]:
    """What the line says, each part with its tone: `good`, `quiet`, `warn` or `bad`."""
    full = pulse.spare <= 0
    yield f"Disk {words.size(pulse.free)} free" + (", full for new images" if full else ""), "bad" if full else "quiet"
    yield _services(pulse.down)
    if pulse.unfinished:
        yield f"{pulse.unfinished} being sent", "quiet"
    if pulse.concerns:
        yield f"{pulse.concerns} need{'s' * (pulse.concerns == 1)} attention (F5)", "warn"


def _services(down: tuple[str, ...]) -> tuple[str, str]:
    if not down:
        return "All services up", "good"
    if len(down) == 4:
        return "All services down", "bad"
    return (f"{down[0]} down" if len(down) == 1 else f"{len(down)} services down"), "bad"
