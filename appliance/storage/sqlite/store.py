"""The embedded index, opened: one object a thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from appliance.errors import IndexUnavailableError
from appliance.storage.sqlite import snapshot
from appliance.storage.sqlite.audit import SqliteAudit
from appliance.storage.sqlite.commitments import SqliteCommitments
from appliance.storage.sqlite.connection import Connection, connect, faults, transaction
from appliance.storage.sqlite.events import SqliteEvents
from appliance.storage.sqlite.names import folded_name
from appliance.storage.sqlite.orders import SqliteOrders
from appliance.storage.sqlite.peers import SqlitePeers
from appliance.storage.sqlite.proofs import SqliteProofs
from appliance.storage.sqlite.schema import migrations
from appliance.storage.sqlite.shares import SqliteShares
from appliance.storage.sqlite.staff import SqliteStaff
from appliance.storage.sqlite.steps import SqliteSteps
from appliance.storage.sqlite.studies import SqliteStudies
from appliance.storage.sqlite.tokens import SqliteTokens
from appliance.storage.sqlite.transfers import SqliteTransfers


class SqliteStorage:
    """`contract.Storage` in one SQLite file."""

    def __init__(self, path: Path) -> None:
        """Open the index, made or brought up to date first.

        Raises `IndexUnavailableError` when it is damaged, or made by a newer pacsbox.
        """
        self.path = path
        self._db = connect(path)
        self._inode = path.stat().st_ino
        self._db.conn.create_function("folded_name", 1, folded_name, deterministic=True)
        with faults(path):
            self._migrate()
        self.studies = SqliteStudies(self._db)
        self.events = SqliteEvents(self._db)
        self.shares = SqliteShares(self._db)
        self.peers = SqlitePeers(self._db)
        self.transfers = SqliteTransfers(self._db)
        self.tokens = SqliteTokens(self._db)
        self.staff = SqliteStaff(self._db)
        self.commitments = SqliteCommitments(self._db)
        self.proofs = SqliteProofs(self._db)
        self.orders = SqliteOrders(self._db)
        self.steps = SqliteSteps(self._db)
        self.audit = SqliteAudit(self._db)

    def _migrate(self) -> None:
        known = {step.name for step in migrations.pending(self._db)} | set(_applied(self._db.conn))
        newer = set(_applied(self._db.conn)) - {step.name for step in migrations._migrations}
        if newer:
            raise IndexUnavailableError(
                f"The index {self.path} was made by a newer pacsbox ({', '.join(sorted(newer))}).",
                "Install that version again; an older one must not write to it.",
            )
        if known and migrations.pending(self._db):
            with transaction(self._db):
                migrations.apply(self._db)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Take the write lock at once, commit at the end, roll back on any exception."""
        with faults(self.path), transaction(self._db):
            yield

    def version(self) -> int:
        """A number that changes when another connection has committed."""
        version: int = self._db.conn.execute("PRAGMA data_version").fetchone()[0]
        return version

    def check(self) -> list[str]:
        """SQLite's own quick check of the file. Raises `IndexUnavailableError` where it can't be written to."""
        with self.transaction():
            self._db.conn.execute("DELETE FROM event WHERE 0")
        try:
            rows = self._db.conn.execute("PRAGMA quick_check(10)").fetchall()
        except sqlite3.DatabaseError as fault:
            return [str(fault)]
        return [row[0] for row in rows if row[0] != "ok"]

    def snapshot(self, path: Path) -> None:
        """Write all that the archive can't rebuild to a new file, which can stand in for the index."""
        snapshot.write(self.path, path)

    def skip_numbers(self) -> None:
        """Leave a gap in all numbers, in the running transaction."""
        snapshot.skip_numbers(self._db.conn)

    def is_current(self) -> bool:
        """Whether the file is still the one that was opened, and was not found to be read-only.

        Staff may have moved a damaged one away, and may let us write again.
        """
        try:
            return self.path.stat().st_ino == self._inode and not cast(Connection, self._db.conn).is_read_only
        except OSError:
            return False

    def close(self) -> None:
        """Close the connection."""
        self._db.conn.close()


def _applied(connection: sqlite3.Connection) -> list[str]:
    exists = connection.execute("SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'").fetchone()
    if not exists:
        return []
    return [row[0] for row in connection.execute("SELECT name FROM _sqlite_migrations")]
