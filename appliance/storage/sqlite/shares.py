"""Shares and the log of their openings."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import orjson
from sqlite_utils import Database

from appliance.events import now
from appliance.storage.rows import Opening, Share


class SqliteShares:
    """`contract.Shares`."""

    def __init__(self, db: Database) -> None:
        self._conn = db.conn

    def add(self, study_instance_uid: str, code_hash: str, pin_hash: str, expires: str) -> Share:
        """A new share."""
        rows = self._conn.execute(
            "INSERT INTO share (study_instance_uid, code_hash, pin_hash, created, expires)"
            " VALUES (?, ?, ?, ?, ?) RETURNING *",
            (study_instance_uid, code_hash, pin_hash, now(), expires),
        ).fetchall()
        return _share(rows[0])

    def get(self, share_id: int) -> Share | None:
        """By number."""
        return self._first("SELECT * FROM share WHERE id = ?", share_id)

    def by_code(self, code_hash: str) -> Share | None:
        """By the hash of the link's code."""
        return self._first("SELECT * FROM share WHERE code_hash = ?", code_hash)

    def all(self, study_instance_uid: str = "") -> list[Share]:
        """All shares, or those of a study, newest first."""
        rows = self._conn.execute(
            "SELECT * FROM share WHERE ? IN ('', study_instance_uid) ORDER BY id DESC", (study_instance_uid,)
        )
        return [_share(row) for row in rows]

    def revoke(self, share_id: int) -> None:
        """End it now; ending it twice changes nothing."""
        self._conn.execute("UPDATE share SET revoked = ? WHERE id = ? AND revoked = ''", (now(), share_id))

    def take_attempt(self, share_id: int, limit: int) -> bool:
        """Count one PIN attempt if fewer than `limit` were wrong."""
        taken = self._conn.execute(
            "UPDATE share SET failed_attempts = failed_attempts + 1 WHERE id = ? AND failed_attempts < ?",
            (share_id, limit),
        )
        return taken.rowcount == 1

    def give_back_attempt(self, share_id: int) -> None:
        """The PIN was right: the attempt does not count as wrong."""
        self._conn.execute(
            "UPDATE share SET failed_attempts = failed_attempts - 1 WHERE id = ? AND failed_attempts > 0",
            (share_id,),
        )

    def rearm(self, share_id: int, pin_hash: str) -> None:
        """Forget the wrong attempts, set a new PIN, void the sessions of the old one."""
        self._conn.execute(
            "UPDATE share SET failed_attempts = 0, pin_hash = ?, session_epoch = session_epoch + 1 WHERE id = ?",
            (pin_hash, share_id),
        )

    def log(self, share_id: int, address: str, what: str, detail: str = "") -> None:
        """Add a line to the share's log."""
        self._conn.execute(
            "INSERT INTO opening (share_id, at, address, what, detail) VALUES (?, ?, ?, ?, ?)",
            (share_id, now(), address, what, detail),
        )

    def openings(self, share_id: int) -> list[Opening]:
        """The share's log, newest first."""
        rows = self._conn.execute("SELECT * FROM opening WHERE share_id = ? ORDER BY id DESC", (share_id,))
        return [Opening(row["share_id"], row["at"], row["address"], row["what"], row["detail"]) for row in rows]

    def opened(self, share_ids: Sequence[int]) -> dict[int, tuple[int, str]]:
        """How often each of these shares was opened, and when last."""
        rows = self._conn.execute(
            "SELECT share_id, count(*) AS times, max(at) AS last FROM opening"
            " WHERE share_id IN (SELECT value FROM json_each(?)) AND what = 'opened' GROUP BY share_id",
            (orjson.dumps(list(share_ids)).decode(),),
        )
        return {row["share_id"]: (row["times"], row["last"]) for row in rows}

    def _first(self, sql: str, value: int | str) -> Share | None:
        row = self._conn.execute(sql, (value,)).fetchone()
        return _share(row) if row else None


def _share(row: sqlite3.Row) -> Share:
    return Share(**{key: row[key] for key in Share.__dataclass_fields__})
