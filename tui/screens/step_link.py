"""Linking a performed step by hand: choose the order that it is of."""

from __future__ import annotations

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Static

from appliance.storage.rows import Order, Step
from appliance.worklist import linking
from tui import words
from tui.backstage import Backstage
from tui.screens.desk import Dialog
from tui.widgets.columns import Column
from tui.widgets.keys import KeyLine
from tui.widgets.listing import Listing
from tui.widgets.orders import at, whose


class LinkDialog(Dialog[None]):
    """The orders that can be meant: those of the same patient."""

    BINDINGS = [Binding("enter", "link", "Link"), Binding("escape", "back", "Cancel")]

    def __init__(self, backstage: Backstage, step: Step) -> None:
        super().__init__(backstage)
        self._step = step

    def compose(self) -> ComposeResult:
        """The step, and the orders."""
        step = self._step
        about = words.dotted(
            words.clean(step.modality), words.clean(step.description), at(step.start_date, step.start_time)
        )
        with Vertical(classes="box"):
            yield Static("Which order is this of?", classes="question")
            yield Static(whose(step), classes="strong", markup=False)
            yield Static(about, classes="apart", markup=False)
            yield Listing(COLUMNS, lambda order: str(order.id), empty="No order is of this patient.", name="orders")
            yield KeyLine()

    @property
    def _listing(self) -> Listing[Order]:
        return self.query_one(Listing)

    async def read(self) -> None:
        """The latest that can be meant."""
        orders = await self.backstage.look(lambda box: box.orders.all(limit=1000))
        self._listing.empty = "There is no order of this patient."
        self._listing.show([order for order in orders if not linking.contradiction(order, self._step)])

    @on(Listing.Marked)
    def _bindings_follow(self) -> None:
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without an order there is nothing to link to."""
        return None if action == "link" and not self._listing.chosen else True

    async def action_link(self) -> None:
        """Link it."""
        order = self._listing.chosen if await self.settled() else None
        if order is not None:
            self._link(order.id)

    @work(group="changing", exclusive=True)
    async def _link(self, number: int) -> None:
        uid = self._step.sop_instance_uid
        if await self.change(lambda box: box.steps.link(uid, number)) is not None:
            self.say(f"Linked to order {number}.")
            self.dismiss()


COLUMNS: list[Column[Order]] = [
    Column("Order", lambda order: str(order.id), 6, right=True),
    Column("When", lambda order: at(order.start_date, order.start_time), 16),
    Column("State", lambda order: order.state.value, 11),
    Column("What", lambda order: words.dotted(words.clean(order.modality), words.clean(order.description))),
]
