"""Storage commitment as we are asked for it: which callers want to know what we keep."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import orjson
from sqlite_utils import Database

from appliance.events import now
from appliance.storage.rows import Commitment, CommitmentState, Held, Reference


class SqliteCommitments:
    """`contract.Commitments`."""

    def __init__(self, db: Database) -> None:
        self._conn = db.conn

    def add(self, commitment: Commitment) -> Commitment:
        """A new one; gives it with its number and times."""
        at = now()
        (row,) = self._conn.execute(
            "INSERT INTO commitment (transaction_uid, ae_title, called, address, refs, fingerprint, duplicate, mark,"
            " state, due, total, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
            (
                commitment.transaction_uid,
                commitment.ae_title,
                commitment.called,
                commitment.address,
                _written(commitment.references),
                commitment.fingerprint,
                commitment.duplicate,
                commitment.mark,
                commitment.state,
                commitment.due,
                len(commitment.references),
                at,
                at,
            ),
        ).fetchall()
        return _commitment(row)

    def get(self, commitment_id: int) -> Commitment | None:
        """By number."""
        found = self._found("WHERE id = ?", commitment_id)
        return found[0] if found else None

    def of_transaction(self, transaction_uid: str) -> list[Commitment]:
        """Those that named this Transaction UID, oldest first."""
        return self._found("WHERE transaction_uid = ? ORDER BY id", transaction_uid)

    def all(self, limit: int = 200, unfinished: bool = False) -> list[Commitment]:
        """Newest first."""
        where = "WHERE state = 'open'" if unfinished else ""
        return self._found(f"{where} ORDER BY id DESC LIMIT ?", limit)

    def due(self, now: str, beyond: str, limit: int = 100) -> list[Commitment]:
        """Open ones whose time has come, longest waiting first."""
        return self._found(
            "WHERE state = 'open' AND (due <= ? OR due > ?) ORDER BY due, id LIMIT ?", now, beyond, limit
        )

    def put_off(self, commitment_id: int, due: str, message: str = "", attempts: int = 1) -> None:
        """Try it again at `due`."""
        self._conn.execute(
            "UPDATE commitment SET due = ?, message = ?, attempts = attempts + ?, updated = ?"
            " WHERE id = ? AND state = 'open'",
            (due, message, attempts, now(), commitment_id),
        )

    def ask_again(self, commitment_id: int, commitment: Commitment) -> None:
        """The same was asked once more: answer it anew."""
        at = now()
        self._conn.execute(
            "UPDATE commitment SET state = 'open', refs = ?, mark = ?, address = ?, due = ?, attempts = 0,"
            " failed = 0, message = '', created = ?, updated = ? WHERE id = ?",
            (
                _written(commitment.references),
                commitment.mark,
                commitment.address,
                commitment.due,
                at,
                at,
                commitment_id,
            ),
        )

    def close(self, commitment_id: int, state: CommitmentState, failed: int = 0, message: str = "") -> bool:
        """From `open` to `state`; False when it was closed already."""
        closed = self._conn.execute(
            "UPDATE commitment SET state = ?, failed = ?, message = ?, refs = '[]', updated = ?"
            " WHERE id = ? AND state = 'open'",
            (state, failed, message, now(), commitment_id),
        )
        return closed.rowcount == 1

    def forget(self, before: str) -> int:
        """Delete those that were closed before this time; how many."""
        gone = self._conn.execute("DELETE FROM commitment WHERE state != 'open' AND updated < ?", (before,))
        return gone.rowcount

    def held(self, sop_instance_uids: Sequence[str]) -> dict[str, Held]:
        """What the index says of each of these instances that it has."""
        rows = self._conn.execute(
            "SELECT sop_instance_uid, sop_class_uid, blob_key, size, digest FROM instance"
            " WHERE sop_instance_uid IN (SELECT value FROM json_each(?))",
            (orjson.dumps(list(sop_instance_uids)).decode(),),
        )
        return {
            row["sop_instance_uid"]: Held(row["sop_class_uid"], row["blob_key"], row["size"], row["digest"].hex())
            for row in rows
        }

    def _found(self, where: str, *values: object) -> list[Commitment]:
        return [_commitment(row) for row in self._conn.execute(f"SELECT * FROM commitment {where}", values)]


def _written(references: Sequence[Reference]) -> str:
    return orjson.dumps([(reference.sop_class_uid, reference.sop_instance_uid) for reference in references]).decode()


def _commitment(row: sqlite3.Row) -> Commitment:
    values = {key: row[key] for key in Commitment.__dataclass_fields__ if key != "references"}
    references = tuple(Reference(*pair) for pair in orjson.loads(row["refs"]))
    values |= {"state": CommitmentState(row["state"]), "duplicate": bool(row["duplicate"])}
    return Commitment(**values, references=references)
