"""How orders and performed steps are shown: their columns, and the lines that describe them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.storage.rows import Order, OrderState, Step, StepState
from appliance.worklist.report import images_of
from tui import words
from tui.widgets.columns import Cell, Column

_TONES = {
    OrderState.ORDERED: "",
    OrderState.STARTED: "fresh",
    OrderState.IMAGES_HERE: "good",
    OrderState.COMPLETE: "good",
    OrderState.CANCELLED: "quiet",
    OrderState.EXPIRED: "quiet",
}
_STEP = {
    StepState.IN_PROGRESS: ("running", "fresh"),
    StepState.COMPLETED: ("completed", "good"),
    StepState.DISCONTINUED: ("broken off", "warn"),
}


@dataclass(frozen=True)
class StepRow:
    """A performed step, and the orders that it is linked to."""

    step: Step
    orders: Sequence[Order]


def at(date: str, time: str) -> str:
    """`2026-11-21 14:30`."""
    return f"{words.date(date)} {words.time(time)}".strip()


def whose(row: Order | Step) -> str:
    """What to compare with the patient in front of the desk."""
    return words.dotted(
        words.person(row.patient_name),
        f"born {words.date(row.patient_birth_date)}" if row.patient_birth_date else "no birth date",
        words.sex(row.patient_sex),
        f"ID {words.clean(row.patient_id)}" if row.patient_id else "",
    )


def describe_order(order: Order) -> str:
    """Two lines, longer than the columns have room for."""
    more = words.dotted(
        words.clean(order.description),
        f"accession {words.clean(order.accession_number)}" if order.accession_number else "",
        f"for {words.clean(order.station)}" if order.station else "for whichever station asks",
        words.plural(order.images, "image") + " here" if order.images else "",
    )
    return f"{whose(order)}\n{more}"


def describe_step(row: StepRow) -> str:
    """Whose it is, and what it is linked to, or why it is not."""
    named = len(images_of(row.step.attributes))
    about = words.dotted(whose(row.step), f"names {words.plural(named, 'image')}" if named else "")
    orders = ", ".join(f"order {order.id} ({words.clean(order.description)})" for order in row.orders)
    if orders:
        return f"{about}\nLinked to {orders}."
    return f"{about}\nNot linked. {words.clean(row.step.note)} Press l to choose its order."


def _state(order: Order) -> Cell:
    return order.state.value, _TONES[order.state]


def _linked(row: StepRow) -> Cell:
    return (", ".join(str(order.id) for order in row.orders), "good") if row.orders else ("unlinked", "warn")


ORDERS: list[Column[Order]] = [
    Column("When", lambda order: at(order.start_date, order.start_time), 16),
    Column("State", _state, 11),
    Column("Patient", lambda order: words.person(order.patient_name), weight=2, most=44),
    Column("Born", lambda order: words.date(order.patient_birth_date), 10, least=100),
    Column("Type", lambda order: words.clean(order.modality), 5),
    Column("What", lambda order: words.clean(order.description), weight=2),
    Column("Station", lambda order: words.clean(order.station) or "any", 16, least=100),
    Column("Accession", lambda order: words.clean(order.accession_number), 16, least=130),
    Column("Images", lambda order: f"{order.images:,}" if order.images else "", 6, right=True),
]
STEPS: list[Column[StepRow]] = [
    Column("Began", lambda row: at(row.step.start_date, row.step.start_time), 16),
    Column("State", lambda row: _STEP[row.step.state], 10),
    Column("Patient", lambda row: words.person(row.step.patient_name), weight=2, most=44),
    Column("Type", lambda row: words.clean(row.step.modality), 5),
    Column("Station", lambda row: words.clean(row.step.station), 16),
    Column("What", lambda row: words.clean(row.step.description), weight=1, least=100),
    Column("Order", _linked, 8),
]
