"""Notices that the index has moved on, whoever moved it."""

from __future__ import annotations

from enum import Enum, auto

from appliance.box import Box
from appliance.storage.contract import Storage

INTERVAL = 0.15
"""Seconds between looks: a new study is on the screen well within a second."""
PATIENCE = 1.0
"""Seconds before an index that can't be read is tried again."""


class Sight(Enum):
    """What a look found."""

    SAME = auto()
    MOVED = auto()
    """Something was committed since the last look."""
    REPLACED = auto()
    """It is another index, or the first one seen."""


class Feed:
    """Compares the index's version with the one seen last; a look costs microseconds."""

    def __init__(self) -> None:
        self._storage: Storage | None = None
        self._version = 0

    def look(self, box: Box) -> Sight:
        """Has it moved on since the last look? Raises `IndexUnavailableError`."""
        storage, known = box.storage, self._storage
        version, before = storage.version(), self._version
        self._storage, self._version = storage, version
        if storage is not known:
            return Sight.REPLACED
        return Sight.SAME if version == before else Sight.MOVED
