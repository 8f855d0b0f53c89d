"""Several processes of one receiver: forked, watched, replaced, ended together.

```
parent: binds the port, forks, waits --a child dies--> forks another
                                     --stop--> SIGTERM to all, waits, SIGKILL to who is late
child:  serves the parent's port; dies with the parent
```
"""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from appliance.service import stop_on_signals

log = logging.getLogger(__name__)

Serve = Callable[[int, threading.Event], None]
"""What a child does until the event: it is told which one it is."""

_LOOK = 0.1
"""Seconds between looks at the children."""
_REST = 1.0
"""Seconds at least between two starts of the same child."""
_PR_SET_PDEATHSIG = 1
_M_ARENA_MAX = -8
_ARENAS = 2
"""Heaps of a child. glibc makes up to eight a core, and each keeps what its threads once held."""


class Processes:
    """The children of this process, which must have no threads yet."""

    def __init__(self, count: int, listening: Sequence[socket.socket], serve: Serve, grace: float) -> None:
        """`listening` are what all serve; `grace`: seconds that they have to end when they are asked to."""
        self._listening = listening
        self._serve = serve
        self._grace = grace
        # What is there now stays for good: it need not be looked through, nor copied, in each child.
        gc.collect()
        gc.freeze()
        self._pids = dict.fromkeys(range(count), 0)
        self._started = dict.fromkeys(range(count), -_REST)

    def run(self, stop: threading.Event) -> None:
        """Keep them running until `stop`; returns when all have ended."""
        try:
            while True:
                self._start_missing()
                if stop.wait(_LOOK):
                    return
                self._reap()
        finally:
            self._end()

    def _start_missing(self) -> None:
        for number, pid in self._pids.items():
            if not pid and time.monotonic() - self._started[number] >= _REST:
                self._started[number] = time.monotonic()
                self._pids[number] = self._fork(number)

    def _fork(self, number: int) -> int:
        parent = os.getpid()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            return pid
        status = 1
        try:
            stop = stop_on_signals()
            _die_with(parent)
            _share_heaps()
            self._serve(number, stop)
            status = 0
        except Exception:
            log.exception("receiver process %d failed", number + 1)
        finally:
            # Nothing of what the parent still has to do at its end is ours.
            os._exit(status)

    def _reap(self) -> None:
        for number, pid in self._pids.items():
            if pid and (status := _ended(pid)) is not None:
                self._pids[number] = 0
                log.error("receiver process %d ended (%s): starting another", number + 1, status)

    def _end(self) -> None:
        for port in self._listening:
            port.close()
        running = [pid for pid in self._pids.values() if pid]
        for pid in running:
            os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + self._grace
        pause = threading.Event()
        while running := [pid for pid in running if _ended(pid) is None]:
            if time.monotonic() > end:
                for pid in running:
                    os.kill(pid, signal.SIGKILL)
                end = float("inf")
            pause.wait(0.01)


def _ended(pid: int) -> str | None:
    """How a child ended; None while it runs."""
    found, status = os.waitpid(pid, os.WNOHANG)
    if not found:
        return None
    code = os.waitstatus_to_exitcode(status)
    return signal.Signals(-code).name if code < 0 else f"exit status {code}"


def _die_with(parent: int) -> None:
    """Be killed when the parent is, whose place another may take at once (prctl(2))."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _share_heaps() -> None:
    """Let all threads of this process share a few heaps (mallopt(3)); says nothing where the C library has no such."""
    with suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
