"""Notices that the index has moved on, whoever moved it."""

from __future__ import annotations

from appliance.box import Box
from appliance.storage.contract import Storage

INTERVAL = 0.15
"""Seconds between looks: a new study is on the screen well within a second."""
PATIENCE = 1.0
"""Seconds before an index that can't be read is tried again."""


class Feed:
    """Compares the index's version with the one seen last; a look costs microseconds."""

    def __init__(self) -> None:
        self._storage: Storage | None = None
        self._version = 0

    def moved(self, box: Box) -> bool:
        """Whether anything was committed since the last look. Raises `IndexUnavailableError`."""
        storage = box.storage
        version = storage.version()
        same = storage is self._storage and version == self._version
        self._storage, self._version = storage, version
        return not same

    def forget(self) -> None:
        """The next look finds news in any case."""
        self._storage = None
