"""Peers: whom the box may send to, and whether they answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Static

from appliance.access.rights import in_short
from appliance.events import now
from appliance.storage.rows import Peer
from tui import words
from tui.backstage import Backstage
from tui.notices import EXPECTED, in_words
from tui.screens.desk import Desk
from tui.screens.peer_new import PeerForm
from tui.screens.refusals import RefusalsScreen
from tui.widgets.columns import Cell, Column
from tui.widgets.listing import Listing


@dataclass(frozen=True)
class Answer:
    """What became of an echo test."""

    said: str
    """For the row."""
    tone: str
    story: str
    """For the foot of the screen."""


_ASKING = Answer("asking ...", "quiet", "Waiting for the answer.")


class PeersScreen(Desk):
    """The book of peers."""

    NAME = "Peers"
    BINDINGS = [
        Binding("a", "add", "Add", tooltip="Add a clinic that the box may send to"),
        Binding("e", "echo", "Test", tooltip="Ask whether it answers"),
        Binding("r", "refusals", "Denied", tooltip="Who called and was turned away, and letting them in"),
        Binding("d", "remove", "Remove", tooltip="Forget this peer"),
        Binding("escape,q", "back", "Back", tooltip="Back to the studies"),
    ]

    def __init__(self, backstage: Backstage) -> None:
        super().__init__(backstage)
        self._answers: dict[Peer, Answer] = {}

    def body(self) -> ComposeResult:
        """The peers, and what the chosen one answered."""
        columns: list[Column[Peer]] = [*COLUMNS, Column("Answer", self._said, weight=2)]
        yield Listing(columns, lambda peer: peer.name.casefold(), name="peers")
        yield Static("", id="detail", classes="detail tall", markup=False)

    @property
    def _listing(self) -> Listing[Peer]:
        return self.query_one(Listing)

    async def read(self) -> None:
        """All of them."""
        peers = await self.backstage.look(lambda box: box.peers.all())
        self._listing.empty = "The box knows nobody to send to yet. Press a to add a clinic."
        self._listing.show(peers)

    def _said(self, peer: Peer) -> Cell:
        answer = self._answers.get(peer)
        return (answer.said, answer.tone) if answer else ""

    @on(Listing.Marked)
    def _describe(self) -> None:
        peer = self._listing.chosen
        answer = self._answers.get(peer) if peer else None
        self.query_one("#detail", Static).update(answer.story if answer else _untested(peer))
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a peer there is nobody to test or forget."""
        return None if action in ("echo", "remove") and not self._listing.chosen else True

    async def action_add(self) -> None:
        """Somebody new."""
        await self.app.push_screen(PeerForm(self.backstage))

    async def action_refusals(self) -> None:
        """Who was turned away?"""
        await self.app.push_screen(RefusalsScreen(self.backstage))

    def action_echo(self) -> None:
        """Does it answer?"""
        peer = self._listing.chosen
        if peer and self._answers.get(peer) is not _ASKING:
            self._note(peer, _ASKING)
            self._ask(peer)

    @work(group="echo")
    async def _ask(self, peer: Peer) -> None:
        at = words.when(now(), datetime.now(UTC))
        try:
            echo = await self.backstage.call(lambda box: box.echo(peer.name))
        except EXPECTED as fault:
            self._note(peer, Answer(f"no ({at})", "bad", in_words(fault)))
        else:
            took = f"{echo.milliseconds:.0f} ms"
            story = f"{words.clean(peer.name)} answered in {took}: it can be sent to."
            self._note(peer, Answer(f"yes, {took} ({at})", "good", story))

    def _note(self, peer: Peer, answer: Answer) -> None:
        self._answers[peer] = answer
        self._listing.refresh()
        self._describe()

    def action_remove(self) -> None:
        """Forget it, if staff really mean it."""
        if peer := self._listing.chosen:
            self.ask_first(
                f"Forget {words.clean(peer.name)}?",
                "Nothing can be sent there until it is added again. What was sent stays there.",
                "Forget it",
                lambda: self._remove(peer),
            )

    @work(group="changing")
    async def _remove(self, peer: Peer) -> None:
        await self.change(lambda box: box.peers.remove(peer.name))


def _untested(peer: Peer | None) -> str:
    if peer is None:
        return ""
    if peer.url:
        return f"A DICOMweb server at {peer.url}. Press e to ask whether it answers, and lets us in."
    return f"When it calls, it may {in_short(peer.rights)}. Press e to ask whether it answers."


COLUMNS: list[Column[Peer]] = [
    Column("Name", lambda peer: words.clean(peer.name), weight=2),
    Column("AE title", lambda peer: words.clean(peer.title), 16),
    Column("Address", lambda peer: peer.address, weight=2),
]
