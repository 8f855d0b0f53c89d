"""The log of a link: who opened it, when, and what they took."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Label

from appliance.storage.rows import Opening, Share
from tui import words
from tui.backstage import Backstage
from tui.screens.desk import Desk
from tui.widgets.columns import Cell, Column
from tui.widgets.listing import Listing

_BAD = ("wrong pin", "locked")


class OpeningsScreen(Desk):
    """One share's log, newest first."""

    NAME = "Openings"
    BINDINGS = [Binding("escape,q", "back", "Back", tooltip="Back to the links")]

    def __init__(self, backstage: Backstage, share: Share, whose: str) -> None:
        super().__init__(backstage)
        self._share = share
        self._whose = whose

    def body(self) -> ComposeResult:
        """A line each."""
        yield Listing(COLUMNS, lambda row: str(row[0]), name="openings")

    async def read(self) -> None:
        """The log."""
        number = self._share.id
        lines = await self.backstage.look(lambda box: box.sharing.openings(number))
        listing: Listing[tuple[int, Opening]] = self.query_one(Listing)
        listing.empty = "The link was never opened."
        listing.show([(len(lines) - at, line) for at, line in enumerate(lines)])
        made = f"link of {words.day(self._share.created)}"
        self.query_one("#headline", Label).update(words.dotted(self._whose, made))


def _what(row: tuple[int, Opening]) -> Cell:
    what = words.clean(row[1].what)
    return (what, "warn") if what in _BAD else what


COLUMNS: list[Column[tuple[int, Opening]]] = [
    Column("When", lambda row: words.minute(row[1].at), 18),
    Column("What", _what, 14),
    Column("From", lambda row: words.clean(row[1].address), 24),
    Column("More", lambda row: words.clean(row[1].detail)),
]
