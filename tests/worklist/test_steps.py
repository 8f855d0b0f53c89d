"""The book of performed steps, and what it does to orders."""

from __future__ import annotations

import pytest

from appliance import events
from appliance.box import Box
from appliance.dimse.received import attributes
from appliance.errors import NotFoundError, PacsboxError
from appliance.storage.rows import Order, OrderState
from tests.support.modality import ending, report

_JANE = {"PatientName": "Doe^Jane", "PatientID": "4711", "PatientBirthDate": "19700101", "Modality": "CT"}
_RICHARD = {"PatientName": "Roe^Richard", "PatientID": "4712", "PatientBirthDate": "19650101", "Modality": "CT"}


@pytest.fixture
def order(box: Box) -> Order:
    return box.orders.add(_JANE, "test")


def begin(box: Box, uid: str, **said: str) -> None:
    box.steps.create(uid, attributes(report(**said)), "CT1")


def end(box: Box, uid: str, status: str = "COMPLETED", *images: str) -> None:
    box.steps.update(uid, attributes(ending(status, *images)))


def state(box: Box, number: int) -> OrderState:
    return box.orders.get(number).state


def test_a_step_that_names_its_order_is_linked_and_starts_it(box: Box, order: Order) -> None:
    begin(box, "1.2.3", AccessionNumber=order.accession_number)
    assert box.steps.get("1.2.3").order_ids == (order.id,)
    assert state(box, order.id) is OrderState.STARTED
    news = [event for event in box.storage.events.since(0) if event.kind == events.STEP_CHANGED]
    assert news[-1].detail == {"step": "1.2.3", "state": "IN PROGRESS", "orders": [1]}


def test_a_step_of_two_scheduled_ones_is_linked_to_both(box: Box, order: Order) -> None:
    second = box.orders.add(_JANE, "test")
    said = report(AccessionNumber=order.accession_number)
    said.ScheduledStepAttributesSequence.append(report(AccessionNumber=second.accession_number)[0x00400270][0])
    box.steps.create("1.2.3", attributes(said), "CT1")
    assert box.steps.get("1.2.3").order_ids == (order.id, second.id)


def test_a_step_of_another_patient_is_kept_unlinked_and_says_why(box: Box) -> None:
    box.orders.add(_RICHARD | {"AccessionNumber": "A1"}, "test")
    begin(box, "1.2.3", AccessionNumber="A1")
    step = box.steps.get("1.2.3")
    assert (step.order_ids, step.note) == ((), "It names order 1, but that is of another patient.")
    assert state(box, 1) is OrderState.ORDERED


def test_a_step_that_is_broken_off_puts_its_order_back(box: Box, order: Order) -> None:
    begin(box, "1.2.3", AccessionNumber=order.accession_number)
    end(box, "1.2.3", "DISCONTINUED")
    assert state(box, order.id) is OrderState.ORDERED


def test_staff_link_and_untie_by_hand_with_the_patient_checked(box: Box, order: Order) -> None:
    box.orders.add(_RICHARD, "test")
    begin(box, "1.2.3", AccessionNumber="ELSEWHERE")
    with pytest.raises(PacsboxError, match="another patient"):
        box.steps.link("1.2.3", 2)
    with pytest.raises(NotFoundError, match="no order 9"):
        box.steps.link("1.2.3", 9)
    assert box.steps.link("1.2.3", order.id).note == ""
    assert state(box, order.id) is OrderState.STARTED
    assert box.steps.unlink("1.2.3").note == "Staff untied it from its order."
    assert state(box, order.id) is OrderState.ORDERED


def test_linking_to_another_order_frees_the_first(box: Box, order: Order) -> None:
    second = box.orders.add(_JANE, "test")
    begin(box, "1.2.3", AccessionNumber=order.accession_number)
    box.steps.link("1.2.3", second.id)
    assert (state(box, order.id), state(box, second.id)) == (OrderState.ORDERED, OrderState.STARTED)
