"""Who read and wrote what."""

from __future__ import annotations

from collections.abc import Iterable

from sqlite_utils import Database

from appliance.storage.rows import AuditRow

_COLUMNS = "first, last, who, address, action, resource, study_instance_uid, outcome, requests, items"


class SqliteAudit:
    """`contract.Audit`."""

    def __init__(self, db: Database) -> None:
        self._conn = db.conn

    def add(self, rows: Iterable[AuditRow], batch: str = "") -> bool:
        """Add `rows`, unless those of this batch are here already."""
        if batch:
            known = self._conn.execute("SELECT 1 FROM audit WHERE batch = ? LIMIT 1", (batch,)).fetchone()
            if known:
                return False
        for row in rows:
            values = (getattr(row, name) for name in _COLUMNS.split(", "))
            self._conn.execute(
                f"INSERT INTO audit ({_COLUMNS}, batch) VALUES (?,?,?,?,?,?,?,?,?,?,?)", (*values, batch)
            )
        return True

    def rows(
        self, *, study_instance_uid: str = "", who: str = "", since: str = "", before: int = 0, limit: int = 100
    ) -> list[AuditRow]:
        """Newest first; of one study, of one who asks, from a time on, with numbers below `before`."""
        given = {
            "study_instance_uid = ?": study_instance_uid,
            "who = ?": who,
            "last >= ?": since,
            "id < ?": before,
        }
        asked = {clause: value for clause, value in given.items() if value}
        where = " WHERE " + " AND ".join(asked) if asked else ""
        found = self._conn.execute(
            f"SELECT {_COLUMNS}, id FROM audit{where} ORDER BY id DESC LIMIT ?", (*asked.values(), limit)
        )
        return [AuditRow(*row) for row in found]
