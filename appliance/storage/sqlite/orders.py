"""Orders, and the worklist files that some of them come from."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import orjson
from sqlite_utils import Database

from appliance.events import now
from appliance.storage.rows import Order, OrderState, WorklistFile

_COLUMNS = tuple(name for name in Order.__dataclass_fields__ if name not in ("id", "created", "updated"))
_OPEN = tuple(state for state in OrderState if state.is_open)
_IS_OPEN = f"state IN ({', '.join('?' * len(_OPEN))})"
_BY_TIME = "start_date, start_time, id"


class SqliteOrders:
    """`contract.Orders`."""

    def __init__(self, db: Database) -> None:
        self._conn = db.conn

    def add(self, order: Order) -> Order:
        """A new order."""
        rows = self._conn.execute(
            f"INSERT INTO worklist_order ({', '.join(_COLUMNS)}, created, updated)"
            f" VALUES ({', '.join('?' * (len(_COLUMNS) + 2))}) RETURNING *",
            (*_values(order), now(), now()),
        ).fetchall()
        return _order(rows[0])

    def change(self, order: Order) -> None:
        """Keep what is new of it."""
        self._conn.execute(
            f"UPDATE worklist_order SET {', '.join(f'{name} = ?' for name in _COLUMNS)}, updated = ? WHERE id = ?",
            (*_values(order), now(), order.id),
        )

    def get(self, order_id: int) -> Order | None:
        """By number."""
        row = self._conn.execute("SELECT * FROM worklist_order WHERE id = ?", (order_id,)).fetchone()
        return _order(row) if row else None

    def next_id(self) -> int:
        """The number that the next order gets, within this transaction."""
        row = self._conn.execute("SELECT seq FROM sqlite_sequence WHERE name = 'worklist_order'").fetchone()
        return int(row[0]) + 1 if row else 1

    def all(self, limit: int = 200, unfinished: bool = False) -> list[Order]:
        """Latest start first."""
        where, values = (f"WHERE {_IS_OPEN} ", _OPEN) if unfinished else ("", ())
        rows = self._conn.execute(
            f"SELECT * FROM worklist_order {where}ORDER BY start_date DESC, start_time DESC, id DESC LIMIT ?",
            (*values, limit),
        )
        return [_order(row) for row in rows]

    def scheduled(self, first: str = "", last: str = "") -> Iterator[dict[str, Any]]:
        """The items of open orders that start between two days, by their time."""
        # Only numbers are put in order: SQLite would keep all items in memory for it.
        numbers = self._conn.execute(
            f"SELECT id FROM worklist_order WHERE {_IS_OPEN} AND start_date BETWEEN ? AND ? ORDER BY {_BY_TIME}",
            (*_OPEN, first, last or "9"),
        ).fetchall()
        for number in numbers:
            row = self._conn.execute("SELECT item FROM worklist_order WHERE id = ?", tuple(number)).fetchone()
            if row:
                yield orjson.loads(row["item"])

    def before(self, day: str) -> list[Order]:
        """Open orders that were to start before `day`."""
        rows = self._conn.execute(
            f"SELECT * FROM worklist_order WHERE {_IS_OPEN} AND start_date < ? ORDER BY {_BY_TIME}", (*_OPEN, day)
        )
        return [_order(row) for row in rows]

    def known_by(self, study_instance_uid: str = "", accession_number: str = "", step_id: str = "") -> list[Order]:
        """Orders that go by one of these; what is empty says nothing."""
        given = {
            "study_instance_uid": study_instance_uid,
            "accession_number": accession_number,
            "scheduled_procedure_step_id": step_id,
        }
        found: dict[int, Order] = {}
        for column, value in given.items():
            if value:
                rows = self._conn.execute(f"SELECT * FROM worklist_order WHERE {column} = ? ORDER BY id", (value,))
                found.update((row["id"], _order(row)) for row in rows)
        return list(found.values())

    def files(self) -> dict[str, WorklistFile]:
        """The files of the watched folder as they were last seen, by name."""
        rows = self._conn.execute("SELECT * FROM worklist_file ORDER BY name")
        return {row["name"]: WorklistFile(row["name"], row["mark"], row["order_id"], row["fault"]) for row in rows}

    def note_file(self, file: WorklistFile) -> None:
        """Remember how a file was seen."""
        self._conn.execute(
            "INSERT INTO worklist_file (name, mark, order_id, fault) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE"
            " SET mark = excluded.mark, order_id = excluded.order_id, fault = excluded.fault",
            (file.name, file.mark, file.order_id, file.fault),
        )

    def forget_files(self, names: Sequence[str]) -> None:
        """They are not there any more."""
        for name in names:
            self._conn.execute("DELETE FROM worklist_file WHERE name = ?", (name,))


def _values(order: Order) -> list[Any]:
    fields = asdict(order) | {"item": orjson.dumps(order.item).decode()}
    return [fields[name] for name in _COLUMNS]


def _order(row: sqlite3.Row) -> Order:
    fields = {name: row[name] for name in Order.__dataclass_fields__}
    return Order(**fields | {"item": orjson.loads(row["item"]), "state": OrderState(row["state"])})
