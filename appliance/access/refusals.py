"""Recent refusals: who was turned away, from where, why, when, how often. A small file, apart from the index.

Several processes write it. Each gathers what it refuses in memory and brings it into the file at most once in a
while, so that a flood of calls costs no more than a few.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import orjson

from appliance.access.rights import Why
from appliance.events import now
from appliance.storage.durable import write_file

MOST = 200
"""Different refusals that are kept, the newest."""
_MOST_OF_ONE = 20
"""Of them from one address, so that one caller of many names doesn't push out all others."""
_MOST_PENDING = 1000

Key = tuple[str, ...]


@dataclass(frozen=True)
class Refusal:
    """One kind of refusal of one caller."""

    title: str
    """Its AE title; empty when it gave none."""
    address: str
    called: str
    """What it called us."""
    why: str
    """`appliance.access.rights.Why`."""
    says: str
    """The same for people, in a sentence."""
    rights: tuple[str, ...] = ()
    """What it asked for and may not do; empty when it was not let in at all."""
    peer: str = ""
    """The peer that it is, or is not quite."""
    count: int = 1
    first: str = ""
    last: str = ""

    @property
    def key(self) -> Key:
        """What makes two refusals the same."""
        return (self.title, self.address, self.called, self.why, *self.rights)

    @property
    def curable(self) -> bool:
        """Whether allowing the peer would cure it."""
        return bool(self.title) and self.why not in (Why.CROWDED, Why.HANDSHAKE)

    def merged(self, newer: Refusal) -> Refusal:
        """Both, as one."""
        first = min(self.first, newer.first)
        return replace(newer, count=self.count + newer.count, first=first, last=max(self.last, newer.last))


class Refusals:
    """The file, and what is not in it yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._pending: dict[Key, Refusal] = {}

    def note(self, refusal: Refusal) -> bool:
        """Remember a refusal of now; whether it is the first of its kind since `flush`."""
        at = now()
        refusal = replace(refusal, first=at, last=at)
        with self._lock:
            before = self._pending.get(refusal.key)
            if before is None and len(self._pending) >= _MOST_PENDING:
                return False
            self._pending[refusal.key] = before.merged(refusal) if before else refusal
        return before is None

    def flush(self) -> None:
        """Bring what was noted into the file. Raises OSError; then nothing is lost yet."""
        with self._lock:
            pending, self._pending = self._pending, {}
        if not pending:
            return
        try:
            with self._held():
                self._write(merged([*self._read(), *pending.values()]))
        except OSError:
            with self._lock:
                self._pending = {**pending, **self._pending}
            raise

    def all(self) -> list[Refusal]:
        """What the file has, newest first."""
        return self._read()

    def forget(self, *gone: Refusal) -> None:
        """Take refusals off the list."""
        keys = {refusal.key for refusal in gone}
        with self._held():
            self._write([refusal for refusal in self._read() if refusal.key not in keys])

    def _read(self) -> list[Refusal]:
        try:
            rows = orjson.loads(self._path.read_bytes())
            return [Refusal(**{**row, "rights": tuple(row["rights"])}) for row in rows]
        except (OSError, ValueError, TypeError, KeyError):
            # Half a file there never is; one that somebody else has spoiled tells nothing.
            return []

    def _write(self, refusals: list[Refusal]) -> None:
        write_file(self._path, orjson.dumps([asdict(refusal) for refusal in refusals]))

    @contextmanager
    def _held(self) -> Iterator[None]:
        """One process, and one thread, at a time."""
        descriptor = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def merged(refusals: Iterable[Refusal]) -> list[Refusal]:
    """Each kind once, newest first, bounded in all and for each address."""
    kinds: dict[Key, Refusal] = {}
    for refusal in refusals:
        before = kinds.get(refusal.key)
        kinds[refusal.key] = before.merged(refusal) if before else refusal
    kept: list[Refusal] = []
    by_address: Counter[str] = Counter()
    for refusal in sorted(kinds.values(), key=lambda refusal: refusal.last, reverse=True):
        by_address[refusal.address] += 1
        if by_address[refusal.address] <= _MOST_OF_ONE:
            kept.append(refusal)
    return kept[:MOST]
