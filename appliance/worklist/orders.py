"""The book of orders: what modalities are told to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from appliance import events
from appliance.dicom.json import Json
from appliance.errors import AlreadyExistsError, NotFoundError, PacsboxError
from appliance.storage.contract import Storage
from appliance.storage.rows import Order, OrderState, Step
from appliance.worklist import item as items
from appliance.worklist import progress


@dataclass(frozen=True)
class OrderBook:
    """Making, changing, finding and cancelling orders."""

    storage: Storage

    def add(self, said: Mapping[str, str], source: str) -> Order:
        """A new order, of attributes by keyword. What nobody said is made: identifiers, the time, the study's UID.

        Raises ValueError naming every fault, `AlreadyExistsError` when its accession number is taken.
        """
        return self.add_all([items.made(said)], source)[0]

    def add_all(self, made: Sequence[Json], source: str) -> list[Order]:
        """New orders of items, all or none. Raises `AlreadyExistsError`."""
        with self.storage.transaction():
            return [add_one(self.storage, item, source) for item in made]

    def change(self, order_id: int, said: Mapping[str, str]) -> Order:
        """Say something else of an open order; what is empty is taken away.

        Raises ValueError, `NotFoundError`, and `PacsboxError` when it is over.
        """
        with self.storage.transaction():
            order = self.get(order_id)
            if not order.state.is_open:
                raise PacsboxError(f"Order {order.id} is {order.state}.", "Make a new one.")
            faults = [fault for keyword, value in said.items() if (fault := items.fault_of(keyword, value))]
            if faults:
                raise ValueError("; ".join(faults))
            item = items.with_values(order.item, said)
            keep(self.storage, replace(order, item=items.with_values(item, items.identified(item, order.id))))
        return self.get(order_id)

    def cancel(self, order_id: int) -> Order:
        """Modalities are told of it no more. Raises `NotFoundError`, and `PacsboxError` when it is over."""
        with self.storage.transaction():
            order = self.get(order_id)
            if order.state not in (OrderState.ORDERED, OrderState.STARTED):
                raise PacsboxError(f"Order {order.id} is {order.state}: there is nothing to cancel.")
            progress.move(self.storage, order, OrderState.CANCELLED, order.images)
        return self.get(order_id)

    def get(self, order_id: int) -> Order:
        """By number. Raises `NotFoundError`."""
        order = self.storage.orders.get(order_id)
        if order is None:
            raise NotFoundError(f"There is no order {order_id}.", "See `pacsbox order list --all`.")
        return order

    def all(self, limit: int = 200, unfinished: bool = False) -> list[Order]:
        """Latest start first."""
        return self.storage.orders.all(limit, unfinished)

    def steps(self, order_id: int) -> list[Step]:
        """What modalities reported of it, oldest first."""
        return self.storage.steps.of_order(order_id)


def add_one(storage: Storage, item: Json, source: str) -> Order:
    """A new order, in the running transaction. Raises `AlreadyExistsError`."""
    _refuse_known(storage, item)
    number = storage.orders.next_id()
    whole = items.completed(item, number, datetime.now().astimezone())
    order = storage.orders.add(Order(0, OrderState.ORDERED, whole, source, **items.columns(whole)))
    storage.events.add(events.ORDER_CHANGED, order.study_instance_uid, order=order.id, state=order.state)
    return order


def keep(storage: Storage, order: Order) -> None:
    """Keep a changed item, with its columns, in the running transaction."""
    changed = replace(order, **items.columns(order.item))
    storage.orders.change(changed)
    storage.events.add(events.ORDER_CHANGED, changed.study_instance_uid, order=changed.id, state=changed.state)
    progress.refresh(storage, changed)


def _refuse_known(storage: Storage, item: Json) -> None:
    """An accession number may come again only with another step of the same request."""
    accession, step = (items.value(item, keyword) for keyword in ("AccessionNumber", "ScheduledProcedureStepID"))
    for known in storage.orders.known_by(accession_number=accession):
        if known.state.is_open and (not step or step == known.scheduled_procedure_step_id):
            raise AlreadyExistsError(
                f"Order {known.id} has the accession number {accession!r} already.",
                "Change or cancel that one, or give this one a ScheduledProcedureStepID of its own.",
            )
