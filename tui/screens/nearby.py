"""Devices that announce themselves on the network: one of them may fill in the form for a new peer."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Static

from appliance.discovery.neighbours import Neighbour, listen
from tui import words
from tui.screens.desk import Dialog
from tui.widgets.columns import Column
from tui.widgets.keys import KeyLine
from tui.widgets.listing import Listing


class NearbyDialog(Dialog[Neighbour]):
    """Listens for some seconds, then lets staff choose."""

    BINDINGS = [Binding("enter", "take", "Fill in"), Binding("escape", "back", "Cancel")]

    def compose(self) -> ComposeResult:
        """What was heard."""
        with Vertical(classes="box"):
            yield Static("Devices that announce themselves", classes="question")
            yield Static("Anybody can announce anything: check with them before you trust it.", classes="apart")
            yield Listing(
                COLUMNS, lambda each: f"{each.ae_title} {each.host}:{each.port}", empty="Listening ...", name="n"
            )
            yield KeyLine()

    @property
    def _listing(self) -> Listing[Neighbour]:
        return self.query_one(Listing)

    async def read(self) -> None:
        """Who is there."""
        try:
            found = await self.backstage.call(lambda box: listen(box.config.dicom.bind))
        except OSError:
            found = []
        self._listing.empty = "Nobody announces itself; most devices don't."
        self._listing.show(found)

    @on(Listing.Marked)
    def _bindings_follow(self) -> None:
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without anybody there is nothing to fill in."""
        return None if action == "take" and not self._listing.chosen else True

    def action_take(self) -> None:
        """This one."""
        self.dismiss(self._listing.chosen)


COLUMNS: list[Column[Neighbour]] = [
    Column("AE title", lambda each: words.clean(each.ae_title), 16),
    Column("Address", lambda each: f"{each.host}:{each.port}"),
    Column("", lambda each: "TLS" if each.tls else "", 3),
]
