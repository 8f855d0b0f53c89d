"""Making a link for the patient: how long it works, whether it asks for a PIN."""

from __future__ import annotations

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label, Static

from appliance.dicom.model import Study
from appliance.shares.sharing import NewShare, Status
from tui import words
from tui.backstage import Backstage
from tui.screens.desk import Dialog
from tui.screens.qr import QRScreen
from tui.widgets.keys import KeyLine
from tui.widgets.tick import Tick
from tui.widgets.typing import caught_up

_MOST_DAYS = 3650


class ShareDialog(Dialog[None]):
    """Asks what there is to ask, makes the share, and shows its QR code."""

    BINDINGS = [
        # First of all, so that Enter makes the link wherever one stands in the dialog.
        Binding("enter", "make", "Make the link", priority=True),
        Binding("escape", "back", "Cancel"),
    ]

    def __init__(self, backstage: Backstage, study: Study) -> None:
        super().__init__(backstage)
        self._study = study
        self._policy = backstage.box.config.shares
        self._making = False

    def compose(self) -> ComposeResult:
        """Whose images, for how long, with a PIN or without."""
        study, days = self._study, str(self._policy.days)
        with Vertical(classes="box"):
            yield Static("Share with the patient", classes="question")
            yield Static(words.person(study.patient_name), classes="strong", markup=False)
            yield Static(words.identity(study), markup=False)
            yield Static(words.contents(study), classes="apart", markup=False)
            with Horizontal(classes="field"):
                yield Label("The link works for")
                yield Input(days, compact=True, max_length=4, type="integer", id="days", select_on_focus=True)
                yield Label("", id="until")
            if self._policy.pin == "optional":
                yield Tick("It asks for a PIN (the space bar changes this)", value=True, id="pin")
            else:
                yield Static("It asks for a PIN, which you see next.")
            yield Static("", id="others", classes="quiet")
            yield KeyLine()

    async def read(self) -> None:
        """How many links there are for this study already."""
        uid = self._study.study_instance_uid
        working = await self.backstage.look(
            lambda box: sum(box.sharing.status(share) is Status.ACTIVE for share in box.sharing.all(uid))
        )
        there_are = "There is" if working == 1 else "There are"
        said = f"{there_are} already {words.plural(working, 'working link')} for this study." if working else ""
        self.query_one("#others", Static).update(said)
        self.query_one("#others").display = bool(said)

    @on(Input.Changed, "#days")
    def _count(self) -> None:
        days = self._days()
        said = f"days, until {words.day_in(days)}." if days else f"days. Please give 1 to {_MOST_DAYS}."
        self.query_one("#until", Label).update(said)
        self.query_one("#until", Label).set_class(not days, "bad")

    def _days(self) -> int | None:
        text = self.query_one("#days", Input).value
        return int(text) if text.isdigit() and 1 <= int(text) <= _MOST_DAYS else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is being made can't be cancelled: its PIN would never be seen."""
        return None if self._making else True

    async def action_make(self) -> None:
        """Make it, once."""
        await caught_up(self.query_one("#days"))
        days = self._days()
        if days is not None and not self._making:
            self._making = True
            self.refresh_bindings()
            self._make(days, no_pin=any(not tick.value for tick in self.query(Tick)))

    @work(group="changing")
    async def _make(self, days: int, *, no_pin: bool) -> None:
        uid = self._study.study_instance_uid
        new: NewShare | None = await self.change(lambda box: box.sharing.create(uid, days, no_pin=no_pin))
        self._making = False
        self.refresh_bindings()
        if new is not None:
            self.app.switch_screen(QRScreen(self._study, new))
