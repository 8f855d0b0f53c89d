"""The numbered news in the index."""

from __future__ import annotations

from typing import Any, Protocol

from appliance.storage.rows.events import Event


class Events(Protocol):
    """The numbered news."""

    def add(self, kind: str, study_instance_uid: str = "", **detail: Any) -> None:
        """Write an event in the running transaction. No patient data in `detail`."""

    def since(self, seq: int, limit: int = 1000) -> list[Event]:
        """Events after number `seq`, oldest first."""

    def last(self) -> int:
        """The number of the newest event, 0 when there is none."""
