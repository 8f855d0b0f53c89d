"""What the processes of one receiver share: places for connections and associations, and who is least busy.

A place is a byte of a nameless file that is locked while it is taken, so the kernel frees the places of a process
that dies. Made before the processes are forked; serves the threads of one process just as well.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import struct
import threading

from appliance.dimse.waiting import Waiting

MOST = 8192
"""Places at most."""
_WORD = 4
_LARGEST = 0xFFFF_FFFF
_DIGEST = 8
_FLOCK = struct.Struct("@hhqqi4x")
"""`struct flock` (fcntl(2))."""


class Places:
    """So many places; each is taken once at a time, and may bear its owner's name."""

    def __init__(self, count: int) -> None:
        """`count` may be changed later, up to `MOST`."""
        self.count = count
        self._file = os.memfd_create("places", os.MFD_CLOEXEC)
        self._owners = mmap.mmap(-1, MOST * _DIGEST)
        self._lock = threading.Lock()
        # Locks are the process's own: among its threads they don't count.
        self._own: set[int] = set()

    def take(self, spare: int = 0) -> int | None:
        """A place that was free, and not among the first `spare`; None when all those are taken."""
        with self._lock:
            for place in range(spare, self.count):
                if place not in self._own and self._locked(place):
                    self._own.add(place)
                    return place
        return None

    def free(self, place: int) -> None:
        """Give a place back."""
        with self._lock:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, place)
            self._own.discard(place)

    def own(self, place: int, owner: str) -> int:
        """Write `owner` on a place that was taken; how many it has now, in all processes, this one included."""
        mark = hashlib.blake2b(owner.encode(), digest_size=_DIGEST).digest()
        with self._lock:
            self._owners[place * _DIGEST : (place + 1) * _DIGEST] = mark
            marked = (each for each in range(self.count) if self._owners[each * _DIGEST : (each + 1) * _DIGEST] == mark)
            return sum(each in self._own or self._is_taken(each) for each in marked)

    def _is_taken(self, place: int) -> bool:
        """Whether another process has it: the name of one that died is there still."""
        asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, place, 1, 0)
        kind = _FLOCK.unpack(fcntl.fcntl(self._file, fcntl.F_GETLK, asked))[0]
        return bool(kind != fcntl.F_UNLCK)

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
        self._counts = memoryview(mmap.mmap(-1, processes * _WORD)).cast("I")
        self._taken = memoryview(mmap.mmap(-1, processes * _WORD)).cast("I")
        self._mine = 0

    def be(self, process: int) -> None:
        """In a process, before it takes its first: which one it is."""
        self._mine = process
        self._counts[process] = 0

    def tell(self, connections: int) -> None:
        """Let the others know how many we have."""
        if connections > self._counts[self._mine]:
            self._taken[self._mine] = (self._taken[self._mine] + 1) & _LARGEST
        self._counts[self._mine] = connections

    def least(self) -> tuple[int, int]:
        """Who has the fewest, and a number that changes when that one takes a connection."""
        process = min(range(len(self._counts)), key=self._counts.__getitem__)
        return process, self._taken[process]

    def is_our_turn(self) -> bool:
        """Whether nobody has fewer."""
        return self._counts[self._mine] <= min(self._counts)


class Shared:
    """All of it, for a receiver of so many associations at a time, in so many processes."""

    def __init__(self, associations: int, processes: int = 1) -> None:
        self.associations = Places(associations)
        self.connections = Places(self.connections_for(associations))
        self.waiting = Waiting()
        """Of this process alone."""
        self.crowd = Crowd(processes)
        self.secure_crowd = Crowd(processes)
        """The same for the port of TLS, whose connections come by themselves."""

    def be(self, process: int) -> None:
        """In a process, before it takes its first connection: which one it is."""
        self.crowd.be(process)
        self.secure_crowd.be(process)

    def resize(self, associations: int) -> None:
        """Have another number of places from now on, in this process; those taken stay so."""
        self.associations.count = associations
        self.connections.count = self.connections_for(associations)

    @staticmethod
    def connections_for(associations: int) -> int:
        """How many connections may be open: probes and scanners hold some that never become associations."""
        return 4 * associations + 20
