"""What is settled and not yet in the index: noted by those who send, written down by one thread."""

from __future__ import annotations

import threading
from dataclasses import dataclass

_MOST = 500
"""Outcomes that may wait for the index: so many instances are sent again at worst, after a power cut."""


@dataclass(frozen=True)
class Outcome:
    """One instance is settled."""

    sop_instance_uid: str
    sent: bool
    """Whether the peer has it; else it was refused for good."""
    note: str = ""
    """Why it was refused, or the peer's remark on taking it."""


class Ledger:
    """Of one sending. Any thread may note; one thread reads, and says what it has made durable."""

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._outcomes: list[Outcome] = []
        self._given_up = False
        self.closed = False
        """Nothing more comes."""
        self.fault: Exception | None = None
        """What sending ended with, once it is closed."""

    def note(self, outcome: Outcome) -> None:
        """One more; waits while too many are not written down."""
        with self._change:
            self._change.wait_for(lambda: len(self._outcomes) < _MOST or self._given_up)
            self._outcomes.append(outcome)
            if len(self._outcomes) == 1:
                self._change.notify_all()

    def close(self, fault: Exception | None = None) -> None:
        """Sending has ended."""
        with self._change:
            self.closed, self.fault = True, fault
            self._change.notify_all()

    def wait_for_news(self, seconds: float) -> None:
        """Until there is something to write down, or the end, or so long."""
        with self._change:
            self._change.wait_for(lambda: self._outcomes or self.closed, seconds)

    def wait_for_end(self, seconds: float) -> None:
        """Until the end, or so long."""
        with self._change:
            self._change.wait_for(lambda: self.closed, seconds)

    def outcomes(self) -> list[Outcome]:
        """What is not written down yet."""
        with self._change:
            return self._outcomes.copy()

    def written(self, count: int) -> None:
        """So many, from the first on, are in the index."""
        with self._change:
            del self._outcomes[:count]
            self._change.notify_all()

    def give_up(self) -> None:
        """Nobody reads any more: who notes need not wait."""
        with self._change:
            self._given_up = True
            self._change.notify_all()
