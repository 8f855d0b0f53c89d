"""Performed procedure steps, and the orders that they are linked to."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import orjson
from sqlite_utils import Database

from appliance.errors import AlreadyExistsError
from appliance.events import now
from appliance.storage.rows import Step, StepState

_COLUMNS = tuple(name for name in Step.__dataclass_fields__ if name not in ("order_ids", "created", "updated"))
_SELECT = (
    "SELECT step.*, (SELECT json_group_array(order_id) FROM"
    " (SELECT order_id FROM step_order WHERE step_order.sop_instance_uid = step.sop_instance_uid ORDER BY order_id)"
    ") AS order_ids FROM step"
)


class SqliteSteps:
    """`contract.Steps`."""

    def __init__(self, db: Database) -> None:
        self._conn = db.conn

    def add(self, step: Step) -> None:
        """A new one, not linked yet."""
        try:
            self._conn.execute(
                f"INSERT INTO step ({', '.join(_COLUMNS)}, created, updated)"
                f" VALUES ({', '.join('?' * (len(_COLUMNS) + 2))})",
                (*_values(step), now(), now()),
            )
        except sqlite3.IntegrityError as fault:
            raise AlreadyExistsError("There is a performed procedure step of that UID already.") from fault

    def change(self, step: Step) -> None:
        """Keep what is new of it; its links have words of their own."""
        self._conn.execute(
            f"UPDATE step SET {', '.join(f'{name} = ?' for name in _COLUMNS)}, updated = ? WHERE sop_instance_uid = ?",
            (*_values(step), now(), step.sop_instance_uid),
        )

    def get(self, sop_instance_uid: str) -> Step | None:
        """By its SOP Instance UID."""
        row = self._conn.execute(f"{_SELECT} WHERE sop_instance_uid = ?", (sop_instance_uid,)).fetchone()
        return _step(row) if row else None

    def all(self, limit: int = 200) -> list[Step]:
        """Newest first."""
        rows = self._conn.execute(f"{_SELECT} ORDER BY created DESC, sop_instance_uid LIMIT ?", (limit,))
        return [_step(row) for row in rows]

    def of_order(self, order_id: int) -> list[Step]:
        """Those that are linked to an order, oldest first."""
        rows = self._conn.execute(
            f"{_SELECT} WHERE sop_instance_uid IN (SELECT sop_instance_uid FROM step_order WHERE order_id = ?)"
            " ORDER BY created, sop_instance_uid",
            (order_id,),
        )
        return [_step(row) for row in rows]

    def link(self, sop_instance_uid: str, order_ids: Sequence[int]) -> None:
        """Its orders are these, and no others."""
        self._conn.execute("DELETE FROM step_order WHERE sop_instance_uid = ?", (sop_instance_uid,))
        for order_id in dict.fromkeys(order_ids):
            self._conn.execute(
                "INSERT INTO step_order (sop_instance_uid, order_id) VALUES (?, ?)", (sop_instance_uid, order_id)
            )


def _values(step: Step) -> list[Any]:
    fields = asdict(step) | {"attributes": orjson.dumps(step.attributes).decode()}
    return [fields[name] for name in _COLUMNS]


def _step(row: sqlite3.Row) -> Step:
    fields = {name: row[name] for name in Step.__dataclass_fields__}
    decoded = {name: orjson.loads(row[name]) for name in ("attributes", "order_ids")}
    return Step(
        **fields
        | {"attributes": decoded["attributes"], "order_ids": tuple(decoded["order_ids"])}
        | {"state": StepState(row["state"])}
    )
