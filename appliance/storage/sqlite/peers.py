"""Remote AEs that we know."""

from __future__ import annotations

import sqlite3

from sqlite_utils import Database

from appliance.errors import AlreadyExistsError
from appliance.events import now
from appliance.storage.rows import Peer


class SqlitePeers:
    """`contract.Peers`."""

    def __init__(self, db: Database) -> None:
        self._conn = db.conn

    def add(self, peer: Peer) -> None:
        """A new peer."""
        try:
            self._conn.execute(
                "INSERT INTO peer (name, ae_title, host, port, created) VALUES (?, ?, ?, ?, ?)",
                (peer.name, peer.ae_title, peer.host, peer.port, now()),
            )
        except sqlite3.IntegrityError as fault:
            raise AlreadyExistsError(
                f"There is a peer {peer.name} already.", "Take another name, or remove that one first."
            ) from fault

    def get(self, name: str) -> Peer | None:
        """By name, without regard to case."""
        row = self._conn.execute("SELECT * FROM peer WHERE name = ?", (name,)).fetchone()
        return _peer(row) if row else None

    def all(self) -> list[Peer]:
        """All peers by name."""
        return [_peer(row) for row in self._conn.execute("SELECT * FROM peer ORDER BY name")]

    def remove(self, name: str) -> bool:
        """Forget it; False when there is none of that name."""
        return self._conn.execute("DELETE FROM peer WHERE name = ?", (name,)).rowcount == 1


def _peer(row: sqlite3.Row) -> Peer:
    return Peer(**{key: row[key] for key in Peer.__dataclass_fields__})
