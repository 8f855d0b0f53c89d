"""Sessions of staff, in memory: the browser holds a random text, this holds its digest (OWASP ASVS 7.2, 7.3).

A restart of the doors ends them all.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from appliance.storage.rows import Person

_BYTES = 32
_MOST = 1000
"""Sessions at a time; the one quiet for longest goes first."""


@dataclass(frozen=True)
class Session:
    """Whose it is; whether they are still let in, their row decides."""

    person_id: int
    epoch: int
    opened: float
    seen: float


class Sessions:
    """Those that are open."""

    def __init__(self, idle: float, longest: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Seconds of silence, and in all, after which one is over."""
        self._idle = idle
        self._longest = longest
        self._clock = clock
        self._open: OrderedDict[str, Session] = OrderedDict()
        """By digest, the one seen last at the end."""

    def open(self, person: Person) -> str:
        """A new session; gives the text that the browser is to hold."""
        text, now = secrets.token_urlsafe(_BYTES), self._clock()
        self._open[_digest(text)] = Session(person.id, person.session_epoch, now, now)
        if len(self._open) > _MOST:
            self._open.popitem(last=False)
        return text

    def seen(self, text: str) -> Session | None:
        """The session of that text, which goes on by this; None when there is none, or it is over."""
        digest = _digest(text)
        session = self._alive(digest)
        if session is not None:
            self._open[digest] = session = replace(session, seen=self._clock())
            self._open.move_to_end(digest)
        return session

    def is_open(self, text: str) -> bool:
        """Whether it still counts; it does not go on by this."""
        return self._alive(_digest(text)) is not None

    def close(self, text: str) -> None:
        """End it now; ending it twice changes nothing."""
        self._open.pop(_digest(text), None)

    def _alive(self, digest: str) -> Session | None:
        session, now = self._open.get(digest), self._clock()
        if session is None:
            return None
        if now - session.seen < self._idle and now - session.opened < self._longest:
            return session
        self._open.pop(digest, None)
        return None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
