"""Access tokens."""

from __future__ import annotations

import sqlite3

from sqlite_utils import Database

from appliance.errors import AlreadyExistsError
from appliance.events import now
from appliance.storage.rows import Token


class SqliteTokens:
    """`contract.Tokens`."""

    def __init__(self, db: Database) -> None:
        self._conn = db.conn

    def add(self, token: Token) -> None:
        """A new token."""
        try:
            self._conn.execute(
                "INSERT INTO token (id, name, may, created, expires) VALUES (?, ?, ?, ?, ?)",
                (token.id, token.name, ",".join(token.may), token.created, token.expires),
            )
        except sqlite3.IntegrityError as fault:
            raise AlreadyExistsError(
                f"There is a token {token.name!r} already.", "Take another name, or revoke that one first."
            ) from fault

    def get(self, token_id: str) -> Token | None:
        """By its number."""
        row = self._conn.execute("SELECT * FROM token WHERE id = ?", (token_id,)).fetchone()
        return _token(row) if row else None

    def all(self) -> list[Token]:
        """All tokens, newest first."""
        return [_token(row) for row in self._conn.execute("SELECT * FROM token ORDER BY created DESC, rowid DESC")]

    def revoke(self, name: str) -> bool:
        """End the token in use of that name."""
        ended = self._conn.execute("UPDATE token SET revoked = ? WHERE name = ? AND revoked = ''", (now(), name))
        return ended.rowcount == 1


def _token(row: sqlite3.Row) -> Token:
    return Token(row["id"], row["name"], tuple(row["may"].split(",")), row["created"], row["expires"], row["revoked"])
