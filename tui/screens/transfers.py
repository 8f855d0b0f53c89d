"""All transfers: how far, what hinders them; try again, stop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from textual import work
from textual.binding import Binding
from textual.widgets import Label

from appliance.box import Box
from appliance.dicom.model import Study
from appliance.storage.rows import Transfer, TransferState
from tui import words
from tui.screens.listed import ListDesk
from tui.screens.transfer_cancel import ask_and_cancel
from tui.widgets.columns import Cell, Column
from tui.widgets.listing import Listing

_TONES = {
    TransferState.QUEUED: "quiet",
    TransferState.SENDING: "fresh",
    TransferState.DONE: "good",
    TransferState.FAILED: "bad",
    TransferState.CANCELLED: "quiet",
}


@dataclass(frozen=True)
class Row:
    """A transfer, its study, and whether the sender runs."""

    transfer: Transfer
    study: Study | None
    sender_up: bool


class TransfersScreen(ListDesk[Row]):
    """What goes out."""

    NAME = "Transfers"
    FOOT = "detail tall"
    BINDINGS = [
        Binding("r", "retry", "Try again", tooltip="Send what failed or was cancelled once more"),
        Binding("c", "cancel", "Stop", tooltip="Stop sending; what has arrived stays there"),
        Binding("escape,q", "back", "Back", tooltip="Back to the studies"),
    ]

    def listed(self) -> Listing[Row]:
        """A row a transfer."""
        return Listing(COLUMNS, lambda row: str(row.transfer.id), name="transfers")

    def story(self, row: Row) -> str:
        """The whole story, with what hinders it."""
        return _story(row)

    async def read(self) -> None:
        """The newest ones."""
        rows = await self.backstage.look(_look)
        under_way = sum(not row.transfer.state.is_over for row in rows)
        self.query_one("#headline", Label).update(f"{under_way} under way" if under_way else "")
        self.listing.empty = "Nothing was sent yet. Choose a study and press t."
        self.listing.show(rows)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what is over can be tried again, only what is not can be stopped."""
        row = self.listing.chosen
        if action == "cancel":
            return True if row and not row.transfer.state.is_over else None
        if action == "retry":
            return True if row and row.transfer.state in (TransferState.FAILED, TransferState.CANCELLED) else None
        return True

    @work(group="changing")
    async def action_retry(self) -> None:
        """Once more."""
        if row := self.listing.chosen:
            number = row.transfer.id
            await self.change(lambda box: box.transfers.retry(number))

    def action_cancel(self) -> None:
        """Stop it, if staff really mean it."""
        if row := self.listing.chosen:
            ask_and_cancel(self, row.transfer)


def _look(box: Box) -> list[Row]:
    transfers = box.transfers.all()
    up = next(sign.up for sign in box.signs() if sign.name == "sender")
    known = box.storage.studies.studies(list({transfer.study_instance_uid for transfer in transfers}))
    studies = {study.study_instance_uid: study for study in known}
    return [Row(transfer, studies.get(transfer.study_instance_uid), up) for transfer in transfers]


def _whose(row: Row) -> str:
    return words.whose(row.study)


def _story(row: Row) -> str:
    about = words.dotted(_whose(row), words.contents(row.study)) if row.study else _whose(row)
    return f"{about}\n{words.transfer_story(row.transfer, row.sender_up, datetime.now(UTC))}"


def _state(row: Row) -> Cell:
    return words.transfer_state(row.transfer), _TONES[row.transfer.state]


COLUMNS: list[Column[Row]] = [
    Column("State", _state, 9),
    Column("Images", lambda row: words.progress(row.transfer), 12, right=True),
    Column("To", lambda row: words.clean(row.transfer.peer), 16),
    Column("Patient", _whose, weight=2),
    Column("Study", lambda row: words.contents(row.study) if row.study else "", weight=3, least=120),
    Column("When", lambda row: words.when(row.transfer.updated, datetime.now(UTC)), 8),
]
