"""The outgoing queue. Its state machine is drawn in `rows.TransferState`."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from sqlite_utils import Database

from appliance.events import now
from appliance.storage.rows import Transfer, TransferItem, TransferState

_ROWS = """
SELECT transfer.*, count(item.state) AS total, coalesce(sum(item.state = 'sent'), 0) AS sent,
  coalesce(sum(item.state = 'refused'), 0) AS refused
FROM transfer LEFT JOIN transfer_instance AS item ON item.transfer_id = transfer.id
"""
_GROUPED = " GROUP BY transfer.id ORDER BY transfer.id DESC LIMIT ?"


class SqliteTransfers:
    """`contract.Transfers`."""

    def __init__(self, db: Database) -> None:
        self._conn = db.conn

    def add(self, study_instance_uid: str, peer: str) -> Transfer:
        """Queue the study as it is now for `peer`, every instance pending."""
        at = now()
        rows = self._conn.execute(
            "INSERT INTO transfer (study_instance_uid, peer, state, due, created, updated)"
            " VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
            (study_instance_uid, peer, TransferState.QUEUED, at, at, at),
        ).fetchall()
        self._conn.execute(
            "INSERT INTO transfer_instance (transfer_id, sop_instance_uid)"
            " SELECT ?, sop_instance_uid FROM instance JOIN series ON series.id = series_ref"
            " JOIN study ON study.id = study_ref WHERE study_instance_uid = ?",
            (rows[0]["id"], study_instance_uid),
        )
        transfer = self.get(rows[0]["id"])
        assert transfer is not None
        return transfer

    def get(self, transfer_id: int) -> Transfer | None:
        """By number."""
        rows = self._conn.execute(_ROWS + "WHERE transfer.id = ?" + _GROUPED, (transfer_id, 1)).fetchall()
        return _transfer(rows[0]) if rows else None

    def all(self, limit: int = 200, unfinished: bool = False) -> list[Transfer]:
        """Newest first."""
        where = "WHERE transfer.state IN ('queued', 'sending')" if unfinished else ""
        return [_transfer(row) for row in self._conn.execute(_ROWS + where + _GROUPED, (limit,))]

    def claim(self, now: str, busy_peers: Sequence[str] = ()) -> Transfer | None:
        """The due transfer that has waited longest, now `sending` with one more attempt."""
        busy = ", ".join("?" * len(busy_peers))
        rows = self._conn.execute(
            "UPDATE transfer SET state = 'sending', attempts = attempts + 1, updated = ? WHERE id ="
            " (SELECT id FROM transfer WHERE state = 'queued' AND due <= ?"
            f" AND peer NOT IN ({busy}) ORDER BY due, id LIMIT 1) RETURNING id",
            (now, now, *busy_peers),
        ).fetchall()
        return self.get(rows[0]["id"]) if rows else None

    def pending(self, transfer_id: int) -> list[TransferItem]:
        """The instances that were not acknowledged yet, in the study's order."""
        rows = self._conn.execute(
            "SELECT instance.sop_instance_uid, sop_class_uid, transfer_syntax_uid, blob_key"
            " FROM transfer_instance AS item JOIN instance ON instance.sop_instance_uid = item.sop_instance_uid"
            " JOIN series ON series.id = series_ref WHERE transfer_id = ? AND item.state = 'pending'"
            " ORDER BY cast(series_number AS INTEGER), series_ref, cast(instance_number AS INTEGER), instance.id",
            (transfer_id,),
        )
        return [TransferItem(*row) for row in rows]

    def acknowledge(self, transfer_id: int, sop_instance_uid: str) -> None:
        """The peer has it."""
        self._settle(transfer_id, sop_instance_uid, "sent", "")

    def refuse(self, transfer_id: int, sop_instance_uid: str, reason: str) -> None:
        """It was refused for good."""
        self._settle(transfer_id, sop_instance_uid, "refused", reason)

    def _settle(self, transfer_id: int, sop_instance_uid: str, state: str, reason: str) -> None:
        self._conn.execute(
            "UPDATE transfer_instance SET state = ?, reason = ? WHERE transfer_id = ? AND sop_instance_uid = ?",
            (state, reason, transfer_id, sop_instance_uid),
        )

    def refusals(self, transfer_id: int) -> list[tuple[str, str]]:
        """(SOP Instance UID, reason) of the refused instances."""
        rows = self._conn.execute(
            "SELECT sop_instance_uid, reason FROM transfer_instance WHERE transfer_id = ? AND state = 'refused'",
            (transfer_id,),
        )
        return [(row["sop_instance_uid"], row["reason"]) for row in rows]

    def finish(self, transfer_id: int, state: TransferState, message: str = "", due: str = "") -> bool:
        """From `sending` to `state`; False when it is not `sending` any more."""
        done = self._conn.execute(
            "UPDATE transfer SET state = ?, message = ?, due = ?, updated = ? WHERE id = ? AND state = 'sending'",
            (state, message, due or now(), now(), transfer_id),
        )
        return done.rowcount == 1

    def cancel(self, transfer_id: int) -> bool:
        """To `cancelled` unless it is over."""
        done = self._conn.execute(
            "UPDATE transfer SET state = 'cancelled', updated = ? WHERE id = ? AND state IN ('queued', 'sending')",
            (now(), transfer_id),
        )
        return done.rowcount == 1

    def retry(self, transfer_id: int, now: str) -> bool:
        """A failed or cancelled one back to `queued`, its refused instances pending again."""
        done = self._conn.execute(
            "UPDATE transfer SET state = 'queued', attempts = 0, message = '', due = ?, updated = ?"
            " WHERE id = ? AND state IN ('failed', 'cancelled')",
            (now, now, transfer_id),
        )
        if done.rowcount == 1:
            self._conn.execute(
                "UPDATE transfer_instance SET state = 'pending', reason = ''"
                " WHERE transfer_id = ? AND state = 'refused'",
                (transfer_id,),
            )
        return done.rowcount == 1

    def recover(self) -> int:
        """What a dead sender left `sending` is `queued` again; how many."""
        return self._conn.execute("UPDATE transfer SET state = 'queued' WHERE state = 'sending'").rowcount


def _transfer(row: sqlite3.Row) -> Transfer:
    values = {key: row[key] for key in Transfer.__dataclass_fields__}
    return Transfer(**values | {"state": TransferState(row["state"])})
