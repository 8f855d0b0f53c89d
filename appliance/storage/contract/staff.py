"""People of the clinic in the index."""

from __future__ import annotations

from typing import Protocol

from appliance.storage.rows.staff import Person


class Staff(Protocol):
    """People of the clinic who may come in by the clinic door."""

    def add(self, name: str, password_hash: str, may: tuple[str, ...]) -> Person:
        """A new one; raises `AlreadyExistsError` when there is one of that name, in whatever case of any script."""

    def get(self, person_id: int) -> Person | None:
        """By number, which is never given twice."""

    def by_name(self, name: str) -> Person | None:
        """By name, without regard to case."""

    def all(self) -> list[Person]:
        """All of them by name."""

    def change(self, person: Person) -> bool:
        """Keep what is new of the one of that number, but for the name; False when there is none."""

    def remove(self, person_id: int) -> bool:
        """Forget them; False when there is none of that number."""
