"""What processes hold: file descriptors, threads, memory; and whether it grows."""

from __future__ import annotations

import re
import statistics
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_EVERY = 0.5


@dataclass(frozen=True)
class Held:
    """By one process at one moment, or a mean of several."""

    descriptors: float
    threads: float
    memory: float
    """Resident MB."""
    shared: float
    """MB of shared memory."""

    def __str__(self) -> str:
        return (
            f"{self.descriptors:.0f} fds, {self.threads:.0f} threads, {self.memory:.1f} MB, {self.shared:.2f} MB shared"
        )


def held(pid: int) -> Held:
    """What the process holds now. Raises OSError when it has gone."""
    status = Path(f"/proc/{pid}/status").read_text("ascii", "replace")

    def number(name: str) -> int:
        found = re.search(rf"^{name}:\s+(\d+)", status, re.MULTILINE)
        return int(found[1]) if found else 0

    descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return Held(descriptors, number("Threads"), number("VmRSS") / 1000, number("RssShmem") / 1000)


def mean(many: Iterable[Held]) -> Held:
    """Of several moments, or processes."""
    many = list(many)
    return Held(*(statistics.fmean(getattr(one, name) for one in many) for name in Held.__dataclass_fields__))


class Watch:
    """Looks at processes from time to time while the block runs."""

    def __init__(self, pids: Callable[[], Mapping[str, int]]) -> None:
        self._pids = pids
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.seen: dict[str, list[Held]] = {}

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._end.wait(_EVERY):
            for name, one in _all_held(self._pids()).items():
                self.seen.setdefault(name, []).append(one)

    def thirds(self, name: str) -> tuple[Held, Held]:
        """The means of the first and of the last third."""
        seen = self.seen[name]
        third = max(1, len(seen) // 3)
        return mean(seen[:third]), mean(seen[-third:])


def _all_held(pids: Mapping[str, int]) -> dict[str, Held]:
    """Of those that are still there."""
    found = {}
    for name, pid in pids.items():
        with suppress(OSError):
            found[name] = held(pid)
    return found


def at_rest(pids: Callable[[], Mapping[str, int]], seconds: float = 60.0) -> dict[str, Held]:
    """What each holds once descriptors and threads have not changed for two seconds."""
    end, since, last = time.monotonic() + seconds, time.monotonic(), {}
    pause = threading.Event()
    while time.monotonic() < end:
        now = _all_held(pids())
        counts = {name: (one.descriptors, one.threads) for name, one in now.items()}
        if counts != last:
            last, since = counts, time.monotonic()
        elif time.monotonic() - since > 2:
            return now
        pause.wait(0.1)
    raise AssertionError(f"no rest in {seconds} s: {last}")
