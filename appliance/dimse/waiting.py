"""Connections that have not asked for an association yet: however slow they are, they keep nobody out.

Whoever opens connections and says nothing, or a byte now and then, would else have all places for connections in the
end. So none waits for long, and where all places are taken, the one that has waited longest is hung up on.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol

_GRACE = 1.0
"""Seconds that each may wait: honest callers ask at once, but many may come in the same moment."""


class Waiter(Protocol):
    """A connection."""

    def cut(self) -> None:
        """Hang up."""


class Waiting:
    """Those of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: dict[Waiter, float] = {}
        """The oldest first."""

    def enter(self, waiter: Waiter) -> None:
        """One more waits."""
        with self._lock:
            self._since[waiter] = time.monotonic()

    def leave(self, waiter: Waiter) -> None:
        """It waits no more, if it did: it has asked, or has gone."""
        with self._lock:
            self._since.pop(waiter, None)

    def make_room(self) -> None:
        """Hang up on the one that has waited longest, unless it came just now."""
        self._cut_off(_GRACE, 1)

    def expire(self, seconds: float) -> None:
        """Hang up on all that have waited for so long."""
        self._cut_off(seconds)

    def dismiss(self) -> None:
        """Hang up on all: we end."""
        self._cut_off(0.0)

    def _cut_off(self, seconds: float, most: int | None = None) -> None:
        end = time.monotonic() - seconds
        with self._lock:
            late = [waiter for waiter, since in self._since.items() if since <= end][:most]
            for waiter in late:
                del self._since[waiter]
        for waiter in late:
            waiter.cut()
