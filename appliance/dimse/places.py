"""What the processes of one receiver share: places for connections and associations, and who is least busy.

A place is a byte of a nameless file that is locked while it is taken, so the kernel frees the places of a process
that dies. Made before the processes are forked; serves the threads of one process just as well.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import threading

_WORD = 4


class Places:
    """So many places; each is taken once at a time."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._file = os.memfd_create("places", os.MFD_CLOEXEC)
        self._lock = threading.Lock()
        # Locks are the process's own: among its threads they don't count.
        self._own: set[int] = set()

    def take(self) -> int | None:
        """A place that was free; None when all are taken."""
        with self._lock:
            for place in range(self.count):
                if place not in self._own and self._locked(place):
                    self._own.add(place)
                    return place
        return None

    def free(self, place: int) -> None:
        """Give a place back."""
        with self._lock:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, place)
            self._own.discard(place)

    def close(self) -> None:
        """Forget all; what other processes hold stays theirs."""
        os.close(self._file)

    def _locked(self, place: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except OSError:
            return False
        return True


class Crowd:
    """How many connections each process has."""

    def __init__(self, processes: int = 1) -> None:
        self._memory = mmap.mmap(-1, processes * _WORD)
        self._counts = memoryview(self._memory).cast("I")
        self._mine = 0

    def be(self, process: int) -> None:
        """In a process, before it takes its first: which one it is."""
        self._mine = process
        self._counts[process] = 0

    def tell(self, connections: int) -> None:
        """Let the others know how many we have."""
        self._counts[self._mine] = connections

    def is_our_turn(self) -> bool:
        """Whether nobody has fewer."""
        return self._counts[self._mine] <= min(self._counts)


class Shared:
    """All of it, for a receiver of so many associations at a time, in so many processes."""

    def __init__(self, associations: int, processes: int = 1) -> None:
        self.associations = Places(associations)
        self.connections = Places(self.connections_for(associations))
        self.crowd = Crowd(processes)

    @staticmethod
    def connections_for(associations: int) -> int:
        """How many connections may be open: probes and scanners hold some that never become associations."""
        return 4 * associations + 20
