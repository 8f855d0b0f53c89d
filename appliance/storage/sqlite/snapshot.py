"""A copy of all that the archive can't rebuild: shares, peers, tokens, transfers, the audit, events.

The copy is an index of its own in which only the studies are missing: the same schema, the same steps of migration
done. So it is brought back by putting it in the index's place, and is brought up to date as any index is.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from appliance.errors import IndexDamagedError
from appliance.storage.sqlite.connection import BUSY_SECONDS, faults

_REBUILT = frozenset(("study", "series", "instance", "metadata", "study_text"))
"""What `reindex` makes from the archive."""
_SKIPPED = 1_000_000
"""Numbers; many more than there are shares, transfers or events in the time between two snapshots."""


def write(index: Path, target: Path) -> None:
    """Write the snapshot of the index at `index` to `target`, which is new, and check it; the caller flushes it.

    All of it is as of one moment; nobody waits for it. Raises `IndexUnavailableError`.
    """
    with faults(index), closing(sqlite3.connect(f"file:{quote(str(target))}?mode=rwc", BUSY_SECONDS, uri=True)) as copy:
        copy.isolation_level = None
        # It is thrown away unless it is finished: no journal is needed on the way.
        copy.execute("PRAGMA journal_mode=OFF")
        copy.execute("PRAGMA synchronous=OFF")
        copy.execute("ATTACH ? AS live", (f"file:{quote(str(index))}?mode=ro",))
        copy.execute("BEGIN")
        for table in _make_tables(copy):
            copy.execute(f'INSERT INTO main."{table}" SELECT * FROM live."{table}"')
        _take_counters(copy)
        copy.execute("COMMIT")
        copy.execute("DETACH live")
        _check(copy, index)


def _make_tables(copy: sqlite3.Connection) -> list[str]:
    """The schema of the index; the names of the tables whose rows are kept."""
    found = copy.execute("SELECT type, name, tbl_name, sql FROM live.sqlite_schema WHERE sql IS NOT NULL").fetchall()
    virtual = [name for _, name, _, sql in found if sql.upper().startswith("CREATE VIRTUAL")]
    shadows = {name for _, name, _, _ in found if any(name.startswith(f"{of}_") for of in virtual)}
    order = ("table", "index", "view", "trigger")
    kept = []
    for kind, name, _, sql in sorted(found, key=lambda each: order.index(each[0])):
        if name in shadows or name.startswith("sqlite_"):
            continue
        copy.execute(sql)
        if kind == "table" and name not in _REBUILT:
            kept.append(name)
    return kept


def skip_numbers(connection: sqlite3.Connection) -> None:
    """Give none of the numbers again that were given since the snapshot: a share's cookie must not open another."""
    tables = connection.execute("SELECT name FROM main.sqlite_schema WHERE sql LIKE '%AUTOINCREMENT%'").fetchall()
    for (table,) in tables:
        found = connection.execute("SELECT seq FROM main.sqlite_sequence WHERE name = ?", (table,)).fetchone()
        connection.execute("DELETE FROM main.sqlite_sequence WHERE name = ?", (table,))
        given = found[0] if found else 0
        connection.execute("INSERT INTO main.sqlite_sequence VALUES (?, ?)", (table, given + _SKIPPED))


def _take_counters(copy: sqlite3.Connection) -> None:
    """As they are, even if the newest rows were deleted."""
    copy.execute("DELETE FROM main.sqlite_sequence")
    copy.execute("INSERT INTO main.sqlite_sequence SELECT * FROM live.sqlite_sequence")
    skip_numbers(copy)


def _check(copy: sqlite3.Connection, index: Path) -> None:
    wrong = [row[0] for row in copy.execute("PRAGMA integrity_check(1)") if row[0] != "ok"]
    wrong += [f"a row of {row[0]} refers to none of {row[2]}" for row in copy.execute("PRAGMA foreign_key_check")]
    if wrong:
        raise IndexDamagedError(f"A snapshot of the index {index} is not sound: {wrong[0]}.")
