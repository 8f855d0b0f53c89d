"""The outgoing queue. Its state machine is drawn in `rows.TransferState`."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

import orjson
from sqlite_utils import Database

from appliance.events import now
from appliance.storage.rows import Proof, Transfer, TransferItem, TransferState


class SqliteTransfers:
    """`contract.Transfers`."""

    def __init__(self, db: Database) -> None:
        self._conn = db.conn

    def add(self, study_instance_uid: str, peer: str) -> Transfer:
        """Queue the study as it is now for `peer`, every instance pending."""
        at = now()
        (row,) = self._conn.execute(
            "INSERT INTO transfer (study_instance_uid, peer, state, due, created, updated)"
            " VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
            (study_instance_uid, peer, TransferState.QUEUED, at, at, at),
        ).fetchall()
        added = self._conn.execute(
            "INSERT INTO transfer_instance (transfer_id, sop_instance_uid)"
            " SELECT ?, sop_instance_uid FROM instance JOIN series ON series.id = series_ref"
            " JOIN study ON study.id = study_ref WHERE study_instance_uid = ?",
            (row["id"], study_instance_uid),
        )
        return self._changed("total = ?", "id = ?", (added.rowcount, row["id"]))[0]

    def get(self, transfer_id: int) -> Transfer | None:
        """By number."""
        row = self._conn.execute("SELECT * FROM transfer WHERE id = ?", (transfer_id,)).fetchone()
        return transfer_of(row) if row else None

    def all(self, limit: int = 200, unfinished: bool = False) -> list[Transfer]:
        """Newest first."""
        where = "WHERE state IN ('queued', 'sending')" if unfinished else ""
        rows = self._conn.execute(f"SELECT * FROM transfer {where} ORDER BY id DESC LIMIT ?", (limit,))
        return [transfer_of(row) for row in rows]

    def claim(self, now: str, busy_peers: Sequence[str] = (), beyond: str | None = None) -> Transfer | None:
        """The due transfer that has waited longest, now `sending` with one more attempt."""
        busy = ", ".join("?" * len(busy_peers))
        claimed = self._changed(
            "state = 'sending', attempts = attempts + 1, message = '', updated = ?",
            "id = (SELECT id FROM transfer WHERE state = 'queued' AND (due <= ? OR due > ?)"
            f" AND peer NOT IN ({busy}) ORDER BY due, id LIMIT 1)",
            (now, now, beyond, *busy_peers),
        )
        return claimed[0] if claimed else None

    def pending(self, transfer_id: int) -> list[TransferItem]:
        """The instances that are not settled yet, in the study's order; one that was deleted has no blob key."""
        rows = self._conn.execute(
            "SELECT item.sop_instance_uid, coalesce(sop_class_uid, ''), coalesce(transfer_syntax_uid, ''),"
            " coalesce(blob_key, ''), coalesce(instance.size, 0)"
            " FROM transfer_instance AS item JOIN transfer ON transfer.id = transfer_id"
            " LEFT JOIN (instance JOIN series ON series.id = series_ref JOIN study ON study.id = study_ref)"
            " ON instance.sop_instance_uid = item.sop_instance_uid"
            " AND study.study_instance_uid = transfer.study_instance_uid"
            " WHERE transfer_id = ? AND item.state = 'pending'"
            " ORDER BY cast(series_number AS INTEGER), series_ref, cast(instance_number AS INTEGER), instance.id",
            (transfer_id,),
        )
        return [TransferItem(*row) for row in rows]

    def acknowledge(self, transfer_id: int, notes: Mapping[str, str]) -> None:
        """The peer has these."""
        if count := self._settle(transfer_id, "sent", notes):
            self._changed("sent = sent + ?, attempts = 1, updated = ?", "id = ?", (count, now(), transfer_id))

    def refuse(self, transfer_id: int, reasons: Mapping[str, str]) -> None:
        """They were refused for good."""
        if count := self._settle(transfer_id, "refused", reasons):
            self._changed("refused = refused + ?, updated = ?", "id = ?", (count, now(), transfer_id))

    def _settle(self, transfer_id: int, state: str, reasons: Mapping[str, str]) -> int:
        """How many were pending. One statement a reason: most have the same, or none."""
        alike: dict[str, list[str]] = {}
        for sop_instance_uid, reason in reasons.items():
            alike.setdefault(reason, []).append(sop_instance_uid)
        return sum(self._settle_alike(transfer_id, state, reason, uids) for reason, uids in alike.items())

    def _settle_alike(self, transfer_id: int, state: str, reason: str, sop_instance_uids: Sequence[str]) -> int:
        return self._conn.execute(
            "UPDATE transfer_instance SET state = ?, reason = ? WHERE transfer_id = ? AND state = 'pending'"
            " AND sop_instance_uid IN (SELECT value FROM json_each(?))",
            (state, reason, transfer_id, orjson.dumps(sop_instance_uids).decode()),
        ).rowcount

    def refusals(self, transfer_id: int) -> list[tuple[str, str]]:
        """(SOP Instance UID, reason) of the refused instances."""
        rows = self._conn.execute(
            "SELECT sop_instance_uid, reason FROM transfer_instance WHERE transfer_id = ? AND state = 'refused'",
            (transfer_id,),
        )
        return [(row["sop_instance_uid"], row["reason"]) for row in rows]

    def notes(self, transfer_id: int) -> list[str]:
        """What the peer remarked on instances that it has."""
        rows = self._conn.execute(
            "SELECT reason FROM transfer_instance"
            " WHERE transfer_id = ? AND state IN ('sent', 'confirmed') AND reason != ''",
            (transfer_id,),
        )
        return [row["reason"] for row in rows]

    def put_back(self, transfer_id: int) -> bool:
        """From `sending` to `queued`, the try not counted; False when it is not `sending`."""
        return bool(
            self._changed(
                "state = 'queued', attempts = max(attempts - 1, 0), updated = ?",
                "id = ? AND state = 'sending'",
                (now(), transfer_id),
            )
        )

    def finish(self, transfer_id: int, state: TransferState, message: str = "", due: str = "") -> bool:
        """From `sending` to `state`; False when it is not `sending` any more."""
        at = now()
        finished = self._changed(
            "state = ?, message = ?, due = ?, updated = ?",
            "id = ? AND state = 'sending'",
            (state, message, due or at, at, transfer_id),
        )
        if finished and state is TransferState.DONE:
            # Those whose peer is to confirm that it keeps them are needed until it has: see `proofs`.
            self._conn.execute(
                "DELETE FROM transfer_instance WHERE transfer_id = ? AND reason = ''"
                " AND NOT EXISTS (SELECT 1 FROM transfer WHERE id = transfer_id AND proof = 'asking')",
                (transfer_id,),
            )
        return bool(finished)

    def cancel(self, transfer_id: int) -> bool:
        """To `cancelled` unless it is over."""
        return bool(
            self._changed(
                "state = 'cancelled', updated = ?",
                "id = ? AND state IN ('queued', 'sending')",
                (now(), transfer_id),
            )
        )

    def fail_all(self, peer: str, message: str) -> list[Transfer]:
        """Whatever is on its way to `peer`, to `failed`; gives those."""
        return self._changed(
            "state = 'failed', message = ?, updated = ?",
            "peer = ? AND state IN ('queued', 'sending')",
            (message, now(), peer),
        )

    def retry(self, transfer_id: int, now: str) -> bool:
        """A failed or cancelled one back to `queued`, its refused instances pending again."""
        queued = self._changed(
            "state = 'queued', attempts = 0, refused = 0, message = '', due = ?, updated = ?",
            "id = ? AND state IN ('failed', 'cancelled')",
            (now, now, transfer_id),
        )
        if queued:
            self._conn.execute(
                "UPDATE transfer_instance SET state = 'pending', reason = ''"
                " WHERE transfer_id = ? AND state = 'refused'",
                (transfer_id,),
            )
        return bool(queued)

    def recover(self) -> int:
        """What a dead sender left `sending` is `queued` again; how many."""
        return len(self._changed("state = 'queued'", "state = 'sending'", ()))

    def _changed(self, change: str, where: str, values: tuple[object, ...]) -> list[Transfer]:
        """The transfers that an UPDATE has changed, as they are after it."""
        rows = self._conn.execute(f"UPDATE transfer SET {change} WHERE {where} RETURNING *", values).fetchall()
        return [transfer_of(row) for row in rows]


def transfer_of(row: sqlite3.Row) -> Transfer:
    """As the contract has it."""
    values = {key: row[key] for key in Transfer.__dataclass_fields__}
    return Transfer(**values | {"state": TransferState(row["state"]), "proof": Proof(row["proof"])})
