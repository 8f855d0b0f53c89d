"""Remote AEs and DICOMweb servers that we know."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlite_utils import Database

from appliance.errors import AlreadyExistsError
from appliance.events import now
from appliance.storage.rows import Peer
from appliance.storage.sqlite.connection import faults

_ALL = "SELECT * FROM peer ORDER BY name"
_LISTS = ("rights", "calls_from")
_FLAGS = ("tls", "overrides_character_set")


class SqlitePeers:
    """`contract.Peers`."""

    def __init__(self, db: Database) -> None:
        self._conn = db.conn

    def add(self, peer: Peer) -> None:
        """A new peer."""
        row = _row(replace(peer, created=now()))
        try:
            self._conn.execute(
                f"INSERT INTO peer ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values())
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
        return [_peer(row) for row in self._conn.execute(_ALL)]

    def change(self, peer: Peer) -> bool:
        """Put `peer` in the place of the one of its name."""
        row = {column: value for column, value in _row(peer).items() if column not in ("name", "created")}
        changed = self._conn.execute(
            f"UPDATE peer SET {', '.join(f'{column} = ?' for column in row)} WHERE name = ?", (*row.values(), peer.name)
        )
        return changed.rowcount == 1

    def remove(self, name: str) -> bool:
        """Forget it; False when there is none of that name."""
        return self._conn.execute("DELETE FROM peer WHERE name = ?", (name,)).rowcount == 1


def read_peers(path: Path, seconds: float) -> list[Peer]:
    """All peers of the index at `path`, which is neither made nor changed; waits `seconds` for a lock at most.

    Raises `IndexUnavailableError` also when the index is older than this program, and not brought up to date yet.
    """
    with faults(path), closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", seconds, uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return [_peer(row) for row in connection.execute(_ALL)]


def _row(peer: Peer) -> dict[str, Any]:
    return {
        name: ",".join(value) if isinstance(value := getattr(peer, name), tuple) else value
        for name in Peer.__dataclass_fields__
    }


def _peer(row: sqlite3.Row) -> Peer:
    try:
        values = {name: row[name] for name in Peer.__dataclass_fields__}
    except IndexError as fault:
        raise sqlite3.OperationalError(f"its peers are of another version ({fault})") from fault
    for name in _LISTS:
        values[name] = tuple(values[name].split(",")) if values[name] else ()
    for name in _FLAGS:
        values[name] = bool(values[name])
    return Peer(**values)
