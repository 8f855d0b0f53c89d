"""One connection to the index: its settings, its transactions, its faults in words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlite_utils

from appliance.errors import IndexDamagedError, IndexUnavailableError

BUSY_SECONDS = 10.0
"""How long a writer waits for another: far longer than any batch takes."""


class Connection(sqlite3.Connection):
    """A connection whose every statement says its faults in words."""

    path = Path()
    is_read_only = False
    """Whether a write was refused for that. SQLite opens for reading what it may not change, and stays with it."""

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """As SQLite's own. Raises `IndexUnavailableError`; `sqlite3.IntegrityError` is the caller's to understand."""
        try:
            return super().execute(sql, parameters)
        except sqlite3.IntegrityError:
            raise
        except sqlite3.DatabaseError as fault:
            if fault.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise  # whoever interrupts a statement waits for just this
            self.is_read_only |= _is_read_only(fault)
            raise _in_words(self.path, fault) from fault


def connect(path: Path) -> sqlite_utils.Database:
    """Open the index at `path`, durable at every commit (WAL, synchronous=FULL).

    Raises `IndexUnavailableError` when it is damaged or can't be opened.
    """
    with faults(path):
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, factory=Connection)
        connection.path = path
        connection.row_factory = sqlite3.Row
        try:
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-16000"):
                connection.execute(f"PRAGMA {pragma}")
        except IndexUnavailableError:
            # Not when Python forgets the fault: the disk could not be unmounted until then.
            connection.close()
            raise
        return sqlite_utils.Database(connection)


@contextmanager
def transaction(db: sqlite_utils.Database) -> Iterator[None]:
    """Take the write lock at once, commit at the end, roll back on any exception.

    sqlite-utils' own `atomic()` begins deferred and fails with "database is locked" at once when another
    process commits between its first read and its first write.
    """
    db.conn.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.conn.execute("ROLLBACK")
        raise
    db.conn.execute("COMMIT")


@contextmanager
def faults(path: Path) -> Iterator[None]:
    """Say SQLite's faults in words."""
    try:
        yield
    except sqlite3.DatabaseError as fault:
        raise _in_words(path, fault) from fault


def _in_words(path: Path, fault: sqlite3.DatabaseError) -> IndexUnavailableError:
    if _is_read_only(fault):
        return IndexUnavailableError(
            f"The index {path} cannot be written to: {fault}.",
            "See whether its disk was mounted read-only, and who may write to its folder.",
        )
    if isinstance(fault, sqlite3.OperationalError):
        return IndexUnavailableError(
            f"The index {path} cannot be used: {fault}.", "Look at the disk with `pacsbox doctor`."
        )
    return IndexDamagedError(
        f"The index {path} is damaged: {fault}.",
        "Stop the indexer and run `pacsbox reindex`: archive and snapshots can rebuild it.",
    )


def _is_read_only(fault: sqlite3.DatabaseError) -> bool:
    # The low byte is the kind of a fault, the others say more (SQLite's extended result codes).
    return getattr(fault, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY
