"""Performed steps: linked or not, and linking them by hand."""

from __future__ import annotations

import pytest

from appliance.dimse.received import attributes
from appliance.storage.rows import OrderState
from tests.support.modality import report


@pytest.fixture
def loose(box):
    """An order, and a step of the same patient that does not name it."""
    box.orders.add({"PatientName": "Doe^Jane", "PatientID": "4711", "Modality": "CT"}, "test")
    box.orders.add({"PatientName": "Roe^Richard", "PatientID": "4712", "Modality": "CT"}, "test")
    box.steps.create("1.2.3.9", attributes(report(AccessionNumber="UNKNOWN")), "MODALITY")


async def test_an_unlinked_step_says_why_and_is_linked_by_hand(opened, box, loose):
    async with opened() as console:
        await console.press("f7")
        await console.sees("> ", "Doe, Jane", "unlinked")
        await console.sees("Not linked. It names no order of this box.")
        await console.press("l")
        await console.sees("Which order is this of?")
        await console.sees(">", "1 ", "ordered", "CT")
        assert "Roe" not in console.text
        await console.press("enter")
        await console.sees("Linked to order 1")
        assert box.steps.get("1.2.3.9").order_ids == (1,)
        assert box.orders.get(1).state is OrderState.STARTED


async def test_a_link_is_undone_and_the_order_stands_where_it_stood(opened, box, loose):
    box.steps.link("1.2.3.9", 1)
    async with opened() as console:
        await console.press("f6")
        await console.sees("started", "Doe, Jane")
        await console.press("p")
        await console.sees("> ", "Doe, Jane", " 1 ")
        await console.press("u")
        await console.sees("Untie this step from its order?")
        await console.press("enter")
        await console.sees("Staff untied it from its order.")
        assert box.orders.get(1).state is OrderState.ORDERED
