"""Orders and performed procedure steps in the index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from appliance.storage.rows.worklist import Order, Step, WorklistFile


class Orders(Protocol):
    """Orders, and the worklist files that some of them come from. Their states are drawn in `rows.OrderState`."""

    def add(self, order: Order) -> Order:
        """A new order; gives it with its number and times."""

    def change(self, order: Order) -> None:
        """Keep what is new of it."""

    def get(self, order_id: int) -> Order | None:
        """By number."""

    def next_id(self) -> int:
        """The number that the next order gets, within this transaction."""

    def all(self, limit: int = 200, unfinished: bool = False) -> list[Order]:
        """Latest start first."""

    def scheduled(self, first: str = "", last: str = "") -> Iterator[dict[str, Any]]:
        """The items of open orders that start between two days (`YYYYMMDD`, open where empty), by their time."""

    def before(self, day: str) -> list[Order]:
        """Open orders that were to start before `day`."""

    def known_by(self, study_instance_uid: str = "", accession_number: str = "", step_id: str = "") -> list[Order]:
        """Orders that go by one of these, in whatever state; what is empty says nothing."""

    def files(self) -> dict[str, WorklistFile]:
        """The files of the watched folder as they were last seen, by name."""

    def note_file(self, file: WorklistFile) -> None:
        """Remember how a file was seen."""

    def forget_files(self, names: Sequence[str]) -> None:
        """They are not there any more."""


class Steps(Protocol):
    """Performed procedure steps, and the orders that they are linked to."""

    def add(self, step: Step) -> None:
        """A new one, not linked yet; raises `AlreadyExistsError` when its UID is known."""

    def change(self, step: Step) -> None:
        """Keep what is new of it; its links have words of their own."""

    def get(self, sop_instance_uid: str) -> Step | None:
        """By its SOP Instance UID."""

    def all(self, limit: int = 200) -> list[Step]:
        """Newest first."""

    def of_order(self, order_id: int) -> list[Step]:
        """Those that are linked to an order, oldest first."""

    def link(self, sop_instance_uid: str, order_ids: Sequence[int]) -> None:
        """Its orders are these, and no others."""
