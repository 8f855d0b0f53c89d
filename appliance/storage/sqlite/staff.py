"""People of the clinic."""

from __future__ import annotations

import sqlite3
import unicodedata

from sqlite_utils import Database

from appliance.errors import AlreadyExistsError
from appliance.events import now
from appliance.storage.rows import Person


class SqliteStaff:
    """`contract.Staff`."""

    def __init__(self, db: Database) -> None:
        self._conn = db.conn

    def add(self, name: str, password_hash: str, may: tuple[str, ...]) -> Person:
        """A new one."""
        created = now()
        try:
            added = self._conn.execute(
                "INSERT INTO staff (name, name_folded, password_hash, may, created) VALUES (?, ?, ?, ?, ?)",
                (name, _folded(name), password_hash, ",".join(may), created),
            )
        except sqlite3.IntegrityError as fault:
            raise AlreadyExistsError(
                f"There is somebody named {name!r} already.", "Take another name, or change that one's password."
            ) from fault
        return Person(added.lastrowid or 0, name, password_hash, may, created)

    def get(self, person_id: int) -> Person | None:
        """By number."""
        return self._one("id = ?", person_id)

    def by_name(self, name: str) -> Person | None:
        """By name, without regard to case."""
        return self._one("name_folded = ?", _folded(name))

    def all(self) -> list[Person]:
        """All of them by name."""
        return [_person(row) for row in self._conn.execute("SELECT * FROM staff ORDER BY name_folded")]

    def change(self, person: Person) -> bool:
        """Keep what is new of the one of that number."""
        changed = self._conn.execute(
            "UPDATE staff SET password_hash = ?, may = ?, disabled = ?, session_epoch = ? WHERE id = ?",
            (person.password_hash, ",".join(person.may), person.disabled, person.session_epoch, person.id),
        )
        return changed.rowcount == 1

    def remove(self, person_id: int) -> bool:
        """Forget them."""
        return self._conn.execute("DELETE FROM staff WHERE id = ?", (person_id,)).rowcount == 1

    def _one(self, where: str, value: int | str) -> Person | None:
        row = self._conn.execute(f"SELECT * FROM staff WHERE {where}", (value,)).fetchone()
        return _person(row) if row else None


def _folded(name: str) -> str:
    """What two names that people take for the same have in common (Unicode 3.13, D146)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _person(row: sqlite3.Row) -> Person:
    may = tuple(row["may"].split(",")) if row["may"] else ()
    values = (row["id"], row["name"], row["password_hash"], may, row["created"], row["disabled"], row["session_epoch"])
    return Person(*values)
