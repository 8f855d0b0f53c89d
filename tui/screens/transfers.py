"""All transfers: how far, what hinders them; try again, stop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Label, Static

from appliance.box import Box
from appliance.dicom.model import Study
from appliance.storage.rows import Transfer, TransferState
from tui import words
from tui.screens.desk import Desk
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


class TransfersScreen(Desk):
    """What goes out."""

    NAME = "Transfers"
    BINDINGS = [
        Binding("r", "retry", "Try again", tooltip="Send what failed or was cancelled once more"),
        Binding("c", "cancel", "Stop", tooltip="Stop sending; what has arrived stays there"),
        Binding("escape,q", "back", "Back", tooltip="Back to the studies"),
    ]

    def body(self) -> ComposeResult:
        """The transfers, and the whole story of the chosen one."""
        yield Listing(COLUMNS, lambda row: str(row.transfer.id), name="transfers")
        yield Static("", id="detail", classes="detail tall", markup=False)

    @property
    def _listing(self) -> Listing[Row]:
        return self.query_one(Listing)

    async def read(self) -> None:
        """The newest ones."""
        rows = await self.backstage.look(_look)
        under_way = sum(not row.transfer.state.is_over for row in rows)
        self.query_one("#headline", Label).update(f"{under_way} under way" if under_way else "")
        self._listing.empty = "Nothing was sent yet. Choose a study and press t."
        self._listing.show(rows)

    @on(Listing.Marked)
    def _describe(self) -> None:
        row = self._listing.chosen
        self.query_one("#detail", Static).update(_story(row) if row else "")
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what is over can be tried again, only what is not can be stopped."""
        row = self._listing.chosen
        if action == "cancel":
            return True if row and not row.transfer.state.is_over else None
        if action == "retry":
            return True if row and row.transfer.state in (TransferState.FAILED, TransferState.CANCELLED) else None
        return True

    @work(group="changing")
    async def action_retry(self) -> None:
        """Once more."""
        if row := self._listing.chosen:
            number = row.transfer.id
            await self.change(lambda box: box.transfers.retry(number))

    def action_cancel(self) -> None:
        """Stop it, if staff really mean it."""
        if row := self._listing.chosen:
            ask_and_cancel(self, row.transfer)


def _look(box: Box) -> list[Row]:
    transfers = box.transfers.all()
    up = next(sign.up for sign in box.signs() if sign.name == "sender")
    known = box.storage.studies.studies(list({transfer.study_instance_uid for transfer in transfers}))
    studies = {study.study_instance_uid: study for study in known}
    return [Row(transfer, studies.get(transfer.study_instance_uid), up) for transfer in transfers]


def _whose(row: Row) -> str:
    return words.person(row.study.patient_name) if row.study else "(the study is gone)"


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
