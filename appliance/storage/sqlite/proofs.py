"""Storage commitment as we ask for it: whether the peers of our transfers keep what they were sent."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import orjson
from sqlite_utils import Database

from appliance.events import now
from appliance.storage.rows import Proof, Reference, Transfer
from appliance.storage.sqlite.transfers import transfer_of


class SqliteProofs:
    """`contract.Proofs`: columns of the transfers, and the state of their instances."""

    def __init__(self, db: Database) -> None:
        self._conn = db.conn

    def want(self, transfer_id: int) -> None:
        """Ask the peer, now, whether it keeps what this transfer brought."""
        self._set(
            "proof = 'asking', proof_at = ?, asked = 0, transaction_uid = ''",
            "id = ? AND state = 'sending'",
            now(),
            transfer_id,
        )

    def due(self, now: str, beyond: str) -> list[Transfer]:
        """Those whose peer is to be asked now, longest waiting first."""
        return self._found(
            "proof = 'asking' AND state = 'done' AND (proof_at <= ? OR proof_at > ?) ORDER BY proof_at", now, beyond
        )

    def overdue(self, now: str) -> list[Transfer]:
        """Those whose peer was asked, and has not answered in time."""
        return self._found("proof = 'awaiting' AND state = 'done' AND proof_at <= ? ORDER BY proof_at", now)

    def of_transaction(self, transaction_uid: str) -> Transfer | None:
        """The transfer whose peer was asked last by this Transaction UID."""
        found = self._found("transaction_uid = ? AND transaction_uid != ''", transaction_uid)
        return found[0] if found else None

    def unproven(self, transfer_id: int) -> list[Reference]:
        """What the peer was sent and has not confirmed; of what was deleted here meanwhile, without its SOP class."""
        rows = self._conn.execute(
            "SELECT coalesce(sop_class_uid, ''), sop_instance_uid"
            " FROM transfer_instance LEFT JOIN instance USING (sop_instance_uid)"
            " WHERE transfer_id = ? AND state = 'sent' ORDER BY instance.id, sop_instance_uid",
            (transfer_id,),
        )
        return [Reference(*row) for row in rows]

    def begin(self, transfer_id: int, transaction_uid: str) -> None:
        """The peer is about to be asked by this Transaction UID: it may answer from now on."""
        self._set("transaction_uid = ?, asked = asked + 1", "id = ?", transaction_uid, transfer_id)

    def put_off(self, transfer_id: int, transaction_uid: str, due: str) -> None:
        """It could not be asked by this Transaction UID: try again at `due`."""
        self._set(
            "proof_at = ?", "id = ? AND proof = 'asking' AND transaction_uid = ?", due, transfer_id, transaction_uid
        )

    def wait(self, transfer_id: int, transaction_uid: str, until: str) -> None:
        """It was asked; unless it has answered already, its answer has time `until` then."""
        self._set(
            "proof = 'awaiting', proof_at = ?",
            "id = ? AND proof = 'asking' AND transaction_uid = ?",
            until,
            transfer_id,
            transaction_uid,
        )

    def confirm(self, transfer_id: int, sop_instance_uids: Collection[str]) -> None:
        """The peer keeps these."""
        self._conn.execute(
            "UPDATE transfer_instance SET state = 'confirmed' WHERE transfer_id = ? AND state = 'sent'"
            " AND sop_instance_uid IN (SELECT value FROM json_each(?))",
            (transfer_id, _array(sop_instance_uids)),
        )

    def settle(self, transfer_id: int, proof: Proof) -> None:
        """How it ended; of the instances, only the peer's remarks are kept."""
        self._set("proof = ?, proof_at = ?", "id = ?", proof, now(), transfer_id)
        self._conn.execute("DELETE FROM transfer_instance WHERE transfer_id = ? AND reason = ''", (transfer_id,))

    def send_again(self, transfer_id: int, sop_instance_uids: Collection[str], message: str) -> None:
        """From `done` to `queued`, these instances pending again: the peer does not have them."""
        lost = self._conn.execute(
            "UPDATE transfer_instance SET state = 'pending', reason = '' WHERE transfer_id = ?"
            " AND sop_instance_uid IN (SELECT value FROM json_each(?))",
            (transfer_id, _array(sop_instance_uids)),
        ).rowcount
        at = now()
        self._set(
            "state = 'queued', due = ?, attempts = 0, sent = sent - ?, message = ?, resent = resent + 1,"
            " proof = '', proof_at = ''",
            "id = ? AND state = 'done'",
            at,
            lost,
            message,
            transfer_id,
        )

    def fail(self, transfer_id: int, reasons: Mapping[str, str], message: str) -> None:
        """From `done` to `failed`: the peer does not keep these instances, for reasons that sending can't cure."""
        for sop_instance_uid, reason in reasons.items():
            self._conn.execute(
                "UPDATE transfer_instance SET state = 'refused', reason = ?"
                " WHERE transfer_id = ? AND sop_instance_uid = ?",
                (reason, transfer_id, sop_instance_uid),
            )
        self._set(
            "state = 'failed', sent = sent - ?, refused = refused + ?, message = ?, resent = 0",
            "id = ? AND state = 'done'",
            len(reasons),
            len(reasons),
            message,
            transfer_id,
        )
        self.settle(transfer_id, Proof.INCOMPLETE)

    def _set(self, change: str, where: str, *values: object) -> None:
        parts = change.count("?")
        at = (*values[:parts], now(), *values[parts:])
        self._conn.execute(f"UPDATE transfer SET {change}, updated = ? WHERE {where}", at)

    def _found(self, where: str, *values: object) -> list[Transfer]:
        return [transfer_of(row) for row in self._conn.execute(f"SELECT * FROM transfer WHERE {where}", values)]


def _array(values: Collection[str]) -> str:
    return orjson.dumps(list(values)).decode()
