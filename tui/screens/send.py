"""Sending a study to another clinic: choose the peer, then watch it arrive."""

from __future__ import annotations

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Static

from appliance.dicom.model import Study
from appliance.storage.rows import Peer
from tui import words
from tui.backstage import Backstage
from tui.screens.desk import Dialog
from tui.screens.peer_new import PeerForm
from tui.screens.progress import ProgressDialog
from tui.widgets.columns import Column
from tui.widgets.keys import KeyLine
from tui.widgets.listing import Listing

_NOBODY = "The box knows nobody to send to yet. Press a to add a clinic."


class SendDialog(Dialog[None]):
    """Whom to send to."""

    BINDINGS = [
        Binding("enter", "send", "Send"),
        Binding("a", "add", "Add a peer"),
        Binding("escape", "back", "Cancel"),
    ]

    def __init__(self, backstage: Backstage, study: Study) -> None:
        super().__init__(backstage)
        self._study = study
        self._sending = False

    def compose(self) -> ComposeResult:
        """The study, and the peers."""
        with Vertical(classes="box"):
            yield Static("Send to another clinic", classes="question")
            yield Static(words.person(self._study.patient_name), classes="strong", markup=False)
            yield Static(words.identity(self._study), markup=False)
            yield Static(words.contents(self._study), classes="apart", markup=False)
            yield Listing(COLUMNS, lambda peer: peer.name.casefold(), empty=_NOBODY, name="peers")
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
        """Without a peer there is nobody to send to."""
        return None if action == "send" and not self._listing.chosen else True

    async def action_add(self) -> None:
        """Somebody new."""
        await self.app.push_screen(PeerForm(self.backstage))

    async def action_send(self) -> None:
        """Queue it, once, and show how it goes."""
        peer = self._listing.chosen if await self.settled() else None
        if peer is None or self._sending:
            return
        self._sending = True
        self._queue(peer)

    @work(group="changing")
    async def _queue(self, peer: Peer) -> None:
        uid = self._study.study_instance_uid
        transfer = await self.change(lambda box: box.transfers.enqueue(uid, peer.name))
        self._sending = False
        if transfer is not None:
            self.app.switch_screen(ProgressDialog(self.backstage, self._study, transfer))


COLUMNS: list[Column[Peer]] = [
    Column("Send to", lambda peer: words.clean(peer.name), weight=3),
    Column("AE title", lambda peer: words.clean(peer.ae_title), 16),
    Column("Address", lambda peer: f"{peer.host}:{peer.port}", weight=2),
]
