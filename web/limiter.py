"""How often one address may try something: memory only, a light fence before costlier checks."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

_MANY = 4096
"""Buckets remembered; the one quiet for longest is forgotten first."""
_HOME = 64
"""Bits of an IPv6 address that one customer has."""


class Limiter:
    """A bucket of `burst` tries, for each address and thing that is tried, that fills up at one try in `seconds`."""

    def __init__(self, burst: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst = burst
        self._seconds = seconds
        self._clock = clock
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def wait(self, address: str, what: str = "") -> float:
        """Take one try of `what`: 0.0 when it is granted, else the seconds until there is one again."""
        key, now = (_household(address), what), self._clock()
        left, since = self._buckets.pop(key, (float(self._burst), now))
        left = min(self._burst, left + (now - since) / self._seconds)
        granted = left >= 1
        self._buckets[key] = (left - granted, now)
        if len(self._buckets) > _MANY:
            self._buckets.popitem(last=False)
        return 0.0 if granted else (1 - left) * self._seconds

    def give_back(self, address: str, what: str = "") -> None:
        """A try that was granted was no guess: it does not count."""
        key = (_household(address), what)
        if key in self._buckets:
            left, since = self._buckets[key]
            self._buckets[key] = (min(self._burst, left + 1), since)


def _household(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, _HOME), strict=False)) if parsed.version == 6 else address
