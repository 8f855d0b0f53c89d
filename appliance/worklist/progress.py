"""How far an order is: decided anew from what is linked to it, whenever something of that changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta

from appliance import events
from appliance.archive.patient import Patient
from appliance.dicom.attributes import BY_KEYWORD, Level
from appliance.dicom.query import Condition, Kind, Match
from appliance.storage.contract import Storage
from appliance.storage.rows import Order, OrderState, Step, StepState
from appliance.worklist.report import images_of


def state_of(order: Order, steps: Sequence[Step], images: int, missing: int) -> OrderState:
    """Where `order` is, whose linked steps are `steps`; `missing` are images that they name and that are not here.

    Drawn in `rows.OrderState`.
    """
    states = {step.state for step in steps}
    if StepState.IN_PROGRESS in states:
        return OrderState.IMAGES_HERE if images else OrderState.STARTED
    if order.state is OrderState.COMPLETE:
        return OrderState.COMPLETE  # also when its study is deleted, years later
    if StepState.COMPLETED in states:
        if images and not missing:
            return OrderState.COMPLETE
        return OrderState.IMAGES_HERE if images else OrderState.STARTED
    if images:
        return OrderState.IMAGES_HERE
    return order.state if order.state in (OrderState.CANCELLED, OrderState.EXPIRED) else OrderState.ORDERED


def aged(order: Order, today: date, days: int) -> OrderState:
    """Where an open order is once its day is long over: without images it expired, with them it is complete."""
    if not order.start_date or order.start_date >= f"{today - timedelta(days=days):%Y%m%d}":
        return order.state
    return OrderState.COMPLETE if order.state is OrderState.IMAGES_HERE else OrderState.EXPIRED


def refresh(storage: Storage, order: Order, *, afresh: bool = False) -> None:
    """Look anew at how far an order is, in the running transaction; `afresh` as if nothing were known of it."""
    steps = storage.steps.of_order(order.id)
    images = sum(instances for _, instances in _studies(storage, order))
    named = [uid for step in steps if step.state is StepState.COMPLETED for uid in images_of(step.attributes)]
    missing = len(set(named) - storage.studies.kept(named).keys()) if named else 0
    known = replace(order, state=OrderState.ORDERED) if afresh else order
    move(storage, order, state_of(known, steps, images, missing), images)


def move(storage: Storage, order: Order, state: OrderState, images: int) -> None:
    """Enter where an order is; what is as it was is no news."""
    if (state, images) != (order.state, order.images):
        storage.orders.change(replace(order, state=state, images=images))
        if state is not order.state:
            storage.events.add(events.ORDER_CHANGED, order.study_instance_uid, order=order.id, state=state)


def orders_of(storage: Storage, study_instance_uids: Iterable[str]) -> list[Order]:
    """The orders that these studies may be of."""
    found: dict[int, Order] = {}
    for uid in study_instance_uids:
        study = storage.studies.study(uid)
        accession = study.accession_number if study else ""
        known = storage.orders.known_by(study_instance_uid=uid, accession_number=accession)
        found.update((order.id, order) for order in known)
    return list(found.values())


def refresh_all(storage: Storage, orders: Iterable[Order]) -> None:
    """Look anew at how far these are, in a transaction of its own; none if there are none."""
    if known := list(orders):
        with storage.transaction():
            for order in known:
                refresh(storage, storage.orders.get(order.id) or order)


def _studies(storage: Storage, order: Order) -> list[tuple[str, int]]:
    """The studies here that are the order's, and how many instances each has.

    By the UID that we gave, else by accession number if the patient can be the same.
    """
    study = storage.studies.study(order.study_instance_uid)
    found = {study.study_instance_uid: study.number_of_study_related_instances} if study else {}
    if order.accession_number:
        asked = Condition(BY_KEYWORD["AccessionNumber"], Kind.SINGLE, (order.accession_number,))
        for row in storage.studies.find(Match(Level.STUDY, (asked,))):
            theirs = {
                "patient_id": "PatientID",
                "patient_name": "PatientName",
                "patient_birth_date": "PatientBirthDate",
            }
            patient = Patient.of({column: row[keyword] for column, keyword in theirs.items()})
            if Patient.of(vars(order)).may_be(patient):
                found[row["StudyInstanceUID"]] = row["NumberOfStudyRelatedInstances"]
    return list(found.items())
