"""A screen with one list, and at its foot the whole story of the row that is marked."""

from __future__ import annotations

from typing import Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.widgets import Static

from tui.screens.desk import Desk
from tui.widgets.listing import Listing

T = TypeVar("T")


class ListDesk(Desk, Generic[T]):
    """What is listed, and what is told of a row, are the screen's own."""

    FOOT = "detail"
    """The classes of the foot, which say how high it is."""

    def body(self) -> ComposeResult:
        """The list, and its foot."""
        yield self.listed()
        yield Static("", id="detail", classes=self.FOOT, markup=False)

    def listed(self) -> Listing[T]:
        """The list, still without rows."""
        raise NotImplementedError

    def story(self, row: T) -> str:
        """What the foot tells of a row."""
        raise NotImplementedError

    @property
    def listing(self) -> Listing[T]:
        """The list that is shown."""
        return self.query_one(Listing)

    @on(Listing.Marked)
    def describe(self) -> None:
        """Tell of the row that is marked."""
        row = self.listing.chosen
        self.query_one("#detail", Static).update(self.story(row) if row else "")
        self.refresh_bindings()
