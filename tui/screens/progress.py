"""Watching a study arrive at a peer; leaving does not stop it."""

from __future__ import annotations

from datetime import UTC, datetime

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Static

from appliance.box import Box
from appliance.dicom.model import Study
from appliance.storage.rows import Transfer, TransferState
from tui import words
from tui.backstage import Backstage
from tui.screens.desk import Dialog
from tui.screens.transfer_cancel import ask_and_cancel
from tui.widgets.bar import Bar
from tui.widgets.keys import KeyLine


class ProgressDialog(Dialog[None]):
    """One transfer, as it goes."""

    BINDINGS = [
        # Not Enter: it chose the peer, and pressed twice it would hide what hinders the sending.
        Binding("escape", "back", "Close"),
        Binding("r", "retry", "Try again"),
        Binding("c", "cancel", "Stop sending"),
    ]

    def __init__(self, backstage: Backstage, study: Study, transfer: Transfer) -> None:
        super().__init__(backstage)
        self._study = study
        self._transfer = transfer

    def compose(self) -> ComposeResult:
        """To whom, how far, and what hinders it."""
        with Vertical(classes="box"):
            yield Static(f"Sending to {words.clean(self._transfer.peer)}", classes="question", markup=False)
            yield Static(words.person(self._study.patient_name), classes="strong", markup=False)
            yield Static(words.contents(self._study), classes="apart", markup=False)
            yield Bar()
            yield Static("", id="story", markup=False)
            yield KeyLine()

    def on_mount(self) -> None:
        """Retries come by the clock, not by news."""
        self.set_interval(1.0, self.reload)
        super().on_mount()

    async def read(self) -> None:
        """How it stands."""
        number = self._transfer.id
        self._transfer, sender_up = await self.backstage.look(lambda box: _look(box, number))
        transfer = self._transfer
        self.query_one(Bar).show(transfer.sent, transfer.total, words.plural(transfer.total, "image"))
        story = words.transfer_story(transfer, sender_up, datetime.now(UTC))
        said = self.query_one("#story", Static)
        said.update(story)
        said.set_class(transfer.state is TransferState.FAILED, "bad")
        said.set_class(transfer.state is TransferState.DONE, "good")
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is over can't be stopped; what is not over need not be tried again."""
        if action == "cancel":
            return None if self._transfer.state.is_over else True
        if action == "retry":
            return True if self._transfer.state in (TransferState.FAILED, TransferState.CANCELLED) else None
        return True

    @work(group="changing")
    async def action_retry(self) -> None:
        """Once more."""
        number = self._transfer.id
        await self.change(lambda box: box.transfers.retry(number))

    def action_cancel(self) -> None:
        """Stop it, if staff really mean it."""
        ask_and_cancel(self, self._transfer)


def _look(box: Box, number: int) -> tuple[Transfer, bool]:
    up = next(sign.up for sign in box.signs() if sign.name == "sender")
    return box.transfers.get(number), up
