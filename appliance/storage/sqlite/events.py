"""The numbered news."""

from __future__ import annotations

from typing import Any

import orjson
from sqlite_utils import Database

from appliance.events import now
from appliance.storage.rows import Event


class SqliteEvents:
    """`contract.Events`."""

    def __init__(self, db: Database) -> None:
        self._conn = db.conn

    def add(self, kind: str, study_instance_uid: str = "", **detail: Any) -> None:
        """Write an event in the running transaction."""
        self._conn.execute(
            "INSERT INTO event (at, kind, study_instance_uid, detail) VALUES (?, ?, ?, ?)",
            (now(), kind, study_instance_uid, orjson.dumps(detail).decode()),
        )

    def since(self, seq: int, limit: int = 1000) -> list[Event]:
        """Events after number `seq`, oldest first."""
        rows = self._conn.execute("SELECT * FROM event WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))
        return [
            Event(row["seq"], row["at"], row["kind"], row["study_instance_uid"], orjson.loads(row["detail"]))
            for row in rows
        ]

    def last(self) -> int:
        """The number of the newest event, 0 when there is none."""
        number: int = self._conn.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()[0]
        return number
