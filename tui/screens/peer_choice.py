"""Choosing a clinic for a study: what it is about, the peers there are, and a way to add one."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from appliance.dicom.model import Study
from appliance.storage.rows import Peer
from tui import words
from tui.backstage import Backstage
from tui.screens.desk import Dialog
from tui.screens.peer_new import PeerForm
from tui.widgets.columns import Column
from tui.widgets.keys import KeyLine
from tui.widgets.listing import Listing


def keys(deed: str) -> list[BindingType]:
    """Of a choice: `deed` is what Enter does, in a word or two."""
    return [
        Binding("enter", "choose", deed),
        Binding("a", "add", "Add a peer"),
        Binding("escape", "back", "Cancel"),
    ]


class PeerChoice(Dialog[None]):
    """Which clinic; what is done with it is in `chosen`."""

    QUESTION = ""
    HEAD = ""
    """Of the names' column."""
    NOBODY = ""
    """What is said while there is no peer."""

    def __init__(self, backstage: Backstage, study: Study) -> None:
        super().__init__(backstage)
        self.study = study

    def about(self) -> Sequence[str]:
        """The lines below the patient's name."""
        return (words.identity(self.study),)

    def chosen(self, peer: Peer) -> None:
        """Go on with it."""

    def compose(self) -> ComposeResult:
        """The study, and the peers."""
        *lines, last = self.about()
        with Vertical(classes="box"):
            yield Static(self.QUESTION, classes="question")
            yield Static(words.person(self.study.patient_name), classes="strong", markup=False)
            yield from (Static(line, markup=False) for line in lines)
            yield Static(last, classes="apart", markup=False)
            yield Listing(_columns(self.HEAD), lambda peer: peer.name.casefold(), empty=self.NOBODY, name="peers")
            yield KeyLine()

    @property
    def _listing(self) -> Listing[Peer]:
        return self.query_one(Listing)

    async def read(self) -> None:
        """The peers there are."""
        self._listing.show(await self.backstage.look(lambda box: box.peers.all()))

    @on(Listing.Marked)
    def _bindings_follow(self) -> None:
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a peer there is nothing to choose."""
        return None if action == "choose" and not self._listing.chosen else True

    async def action_add(self) -> None:
        """Somebody new."""
        await self.app.push_screen(PeerForm(self.backstage))

    async def action_choose(self) -> None:
        """The one that is marked."""
        peer = self._listing.chosen if await self.settled() else None
        if peer is not None:
            self.chosen(peer)


def _columns(head: str) -> list[Column[Peer]]:
    return [
        Column(head, lambda peer: words.clean(peer.name), weight=3),
        Column("AE title", lambda peer: words.clean(peer.title), 16),
        Column("Address", lambda peer: peer.address, weight=2),
    ]
