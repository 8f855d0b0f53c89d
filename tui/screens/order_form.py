"""Ordering an examination: the front desk types a patient once, and every modality has her data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label, Static

from appliance.dicom.model import Study
from appliance.storage.rows import Order
from appliance.worklist import item as items
from tui import words
from tui.backstage import Backstage
from tui.dates import searchable
from tui.notices import sentence
from tui.screens.desk import Dialog
from tui.widgets.keys import KeyLine
from tui.widgets.typing import caught_up

FIELDS = {
    "PatientName": ("Name", "Family, Given"),
    "PatientID": ("Patient ID", "as on the card"),
    "PatientBirthDate": ("Born", "31.1.1970 or 1970-01-31"),
    "PatientSex": ("Sex", "F, M or O"),
    "Modality": ("Type", "CT, MR, US, CR, DX, MG, ..."),
    "RequestedProcedureDescription": ("What", "such as Knee left, two views"),
    "ScheduledProcedureStepStartDate": ("Day", "empty: today"),
    "ScheduledProcedureStepStartTime": ("Time", "such as 14:30; empty: now"),
    "ScheduledStationAETitle": ("Station", "AE title; empty: whichever asks"),
    "ReferringPhysicianName": ("Referring", "Family, Given"),
    "AccessionNumber": ("Accession", "empty: one is made"),
}
"""Keyword, what people call it, and how it may be written."""
_DATES = ("PatientBirthDate", "ScheduledProcedureStepStartDate")
_OF_PATIENT = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex")


class OrderForm(Dialog[None]):
    """A new order, one for a patient who is known, or one that is to be changed."""

    BINDINGS = [
        # First of all, so that Enter in a field means the form.
        Binding("enter", "next", "Next field, then save", priority=True),
        Binding("ctrl+s", "save", "Save", priority=True),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
        Binding("escape", "back", "Cancel"),
    ]

    def __init__(
        self, backstage: Backstage, *, order: Order | None = None, patient: Order | Study | None = None
    ) -> None:
        """`order` is to be changed; else `patient` says for whom it is, if that is known."""
        super().__init__(backstage)
        self._order = order
        self._known = _values(order) if order else _patient(patient) if patient else {}

    def compose(self) -> ComposeResult:
        """The fields, a line each."""
        with Vertical(classes="box"):
            title = f"Change order {self._order.id}" if self._order else "Order an examination"
            yield Static(title, classes="question")
            for keyword, (name, hint) in FIELDS.items():
                with Horizontal(classes="field"):
                    yield Label(name, classes="field-name")
                    value = self._known.get(keyword, "")
                    yield Input(value, placeholder=hint, compact=True, id=keyword, max_length=200)
            yield Static("", id="fault", classes="fault", markup=False)
            yield KeyLine()

    def on_mount(self) -> None:
        """To the first field that nobody has filled."""
        first = next((keyword for keyword in FIELDS if not self._known.get(keyword)), "PatientName")
        self.query_one(f"#{'PatientName' if self._order else first}", Input).focus()

    @on(Input.Changed)
    def _forgive(self) -> None:
        """A field that is being mended is not scolded."""
        self.query_one("#fault", Static).update("")

    async def action_next(self) -> None:
        """To the next field; from the last one, save."""
        here = self.focused.id if self.focused else None
        if here not in FIELDS or self.focused is None:
            return
        await caught_up(self.focused)
        if self._is_wrong(here):
            return
        names = list(FIELDS)
        if here == names[-1]:
            self._save_if_right()
        else:
            self.query_one(f"#{names[names.index(here) + 1]}", Input).focus()

    async def action_save(self) -> None:
        """Save it, from wherever one is."""
        if self.focused is not None:
            await caught_up(self.focused)
        self._save_if_right()

    def _save_if_right(self) -> None:
        if not any(self._is_wrong(keyword) for keyword in FIELDS):
            self._save({keyword: _plain(keyword, self._value(keyword)) for keyword in FIELDS})

    @work(group="changing", exclusive=True)
    async def _save(self, said: Mapping[str, str]) -> None:
        if self._order is None:
            order = await self.change(lambda box: box.orders.add(said, "console"))
        else:
            number = self._order.id
            order = await self.change(lambda box: box.orders.change(number, said))
        if order is not None:
            self.say(f"Order {order.id}, accession number {words.clean(order.accession_number)}.")
            self.dismiss()

    def _value(self, keyword: str) -> str:
        return self.query_one(f"#{keyword}", Input).value.strip()

    def _is_wrong(self, keyword: str) -> bool:
        """Say what is wrong with a field, and go there; whether anything is."""
        said = fault(keyword, self._value(keyword))
        if said:
            self.query_one(f"#{keyword}", Input).focus()
            self.query_one("#fault", Static).update(said)
        return bool(said)


def fault(keyword: str, value: str) -> str:
    """What is wrong with one field, in words; empty when nothing is."""
    name = FIELDS[keyword][0]
    if not value.strip():
        return f"{name}: please fill this in." if keyword in items.REQUIRED else ""
    said = items.fault_of(keyword, _plain(keyword, value))
    return sentence(said.replace(keyword, name)) if said else ""


def _plain(keyword: str, value: str) -> str:
    """Dates as people write them, in the index's form."""
    return searchable(value) if keyword in _DATES else value


def _values(order: Order) -> dict[str, str]:
    return {keyword: _shown(keyword, items.value(order.item, keyword)) for keyword in FIELDS}


def _patient(row: Order | Study) -> dict[str, str]:
    columns = {keyword: column for column, keyword in items.COLUMNS.items()}
    known = {keyword: _shown(keyword, getattr(row, columns[keyword])) for keyword in _OF_PATIENT}
    today = f"{datetime.now().astimezone():%Y-%m-%d}"
    return known | {"ScheduledProcedureStepStartDate": today}


def _shown(keyword: str, value: str) -> str:
    """As the form takes it."""
    if keyword in _DATES:
        return words.date(value) or words.clean(value)
    if keyword == "ScheduledProcedureStepStartTime":
        return words.time(value) or words.clean(value)
    plain = "=" not in value and value.count("^") == 1
    return words.clean(value.replace("^", ", ") if keyword.endswith("Name") and plain else value)
