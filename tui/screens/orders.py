"""Orders: what modalities are told to do, and how far each is."""

from __future__ import annotations

from textual import work
from textual.binding import Binding
from textual.widgets import Label

from appliance.storage.rows import Order, OrderState
from tui import words
from tui.screens.listed import ListDesk
from tui.screens.order_form import OrderForm
from tui.widgets.listing import Listing
from tui.widgets.orders import ORDERS, describe_order

_CANCELLABLE = (OrderState.ORDERED, OrderState.STARTED)


class OrdersScreen(ListDesk[Order]):
    """The book of orders, latest first."""

    NAME = "Orders"
    BINDINGS = [
        Binding("a", "add", "Add", tooltip="Order an examination: the modality gets the patient's data by itself"),
        Binding("enter", "change", "Change", tooltip="Correct what the order says"),
        Binding("n", "again", "Another", show=False, tooltip="Order something else for the same patient"),
        Binding("c", "cancel", "Cancel", tooltip="Take the order off the modality's list"),
        Binding("p", "app.go('steps')", "Performed", show=False, tooltip="What modalities reported (F7)"),
        Binding("escape,q", "back", "Back", tooltip="Back to the studies"),
    ]

    def listed(self) -> Listing[Order]:
        """A row an order."""
        return Listing(ORDERS, lambda order: str(order.id), name="orders")

    def story(self, row: Order) -> str:
        """What it says."""
        return describe_order(row)

    async def read(self) -> None:
        """The latest ones."""
        orders = await self.backstage.look(lambda box: box.orders.all())
        waiting = sum(order.state.is_open for order in orders)
        self.query_one("#headline", Label).update(f"{waiting} open" if waiting else "")
        self.listing.empty = "There are no orders yet. Press a to add one."
        self.listing.show(orders)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what is open can be changed, and only what has no images yet be cancelled."""
        order = self.listing.chosen
        if action == "change":
            return True if order and order.state.is_open else None
        if action == "cancel":
            return True if order and order.state in _CANCELLABLE else None
        if action == "again":
            return True if order else None
        return True

    async def action_add(self) -> None:
        """Somebody has come."""
        await self.app.push_screen(OrderForm(self.backstage))

    async def action_change(self) -> None:
        """Something of it is wrong."""
        if order := self.listing.chosen:
            await self.app.push_screen(OrderForm(self.backstage, order=order))

    async def action_again(self) -> None:
        """The same patient, typed once."""
        if order := self.listing.chosen:
            await self.app.push_screen(OrderForm(self.backstage, patient=order))

    def action_cancel(self) -> None:
        """Take it off the list, if staff really mean it."""
        if order := self.listing.chosen:
            self.ask_first(
                f"Cancel the order for {words.person(order.patient_name)}?",
                "The modality does not see it any more. It can't be undone, but a new order can be made.",
                "Cancel the order",
                lambda: self._cancel(order.id),
            )

    @work(group="changing")
    async def _cancel(self, number: int) -> None:
        await self.change(lambda box: box.orders.cancel(number))
