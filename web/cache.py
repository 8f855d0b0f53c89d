"""Finished pictures in memory, so that leafing back costs nothing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable


class Cache:
    """The values last used, up to so many bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._values: OrderedDict[Hashable, bytes] = OrderedDict()

    def get(self, key: Hashable) -> bytes | None:
        """The value, now the last used; None when it is not here (any more)."""
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key]

    def put(self, key: Hashable, value: bytes) -> None:
        """Keep it, and drop what was used least recently."""
        self._size += len(value) - len(self._values.pop(key, b""))
        self._values[key] = value
        while self._size > self._limit:
            self._size -= len(self._values.popitem(last=False)[1])
