"""Orders: typing a patient once, correcting, cancelling; and how far each is."""

from __future__ import annotations

from datetime import date

import pytest

from appliance.storage.rows import OrderState
from appliance.worklist import demo
from tui.screens.order_form import fault
from tui.screens.orders import OrdersScreen

_JANE = {"PatientName": "Doe^Jane", "PatientID": "4711", "PatientBirthDate": "19700131", "Modality": "CT"}


async def test_the_front_desk_types_a_patient_once(opened, box):
    async with opened() as console:
        await console.press("f6")
        await console.sees("There are no orders yet. Press a to add one.")
        await console.press("a")
        await console.sees("Order an examination")
        await console.fill_in("Müller, Jürgen", "4711", "7.1.1959", "m", "ct", "Head CT", "", "14:30", "CT1", "", "")
        await console.sees("> ", "14:30", "ordered", "Müller, Jürgen", "CT", "Head CT")
        (order,) = box.orders.all()
        assert (order.patient_name, order.patient_id, order.patient_birth_date) == ("Müller^Jürgen", "4711", "19590107")
        assert (order.patient_sex, order.modality, order.station, order.start_time) == ("M", "CT", "CT1", "1430")
        assert order.source == "console"
        assert order.study_instance_uid.startswith("2.25.")


async def test_what_is_missing_is_said_at_the_field_and_nothing_is_kept(opened, box):
    async with opened() as console:
        await console.press("f6", "a")
        await console.sees("Order an examination")
        await console.press("ctrl+s")
        await console.sees("Name: please fill this in.")
        await console.fill_in("Doe, Jane")
        await console.press("ctrl+s")
        await console.sees("Patient ID: please fill this in.")
        assert console.app.focused.id == "PatientID"
        assert not box.orders.all()


async def test_the_next_order_for_a_patient_needs_no_typing_of_her(opened, box):
    box.orders.add(_JANE, "test")
    async with opened() as console:
        await console.press("f6")
        await console.sees("> ", "Doe, Jane")
        await console.press("n")
        await console.sees("Patient ID", "4711")
        assert console.app.focused.id == "PatientSex"
        await console.fill_in("f", "US", "Abdomen")
        await console.press("ctrl+s")
        await console.sees("US", "Abdomen")
        assert {order.patient_name for order in box.orders.all()} == {"Doe^Jane"}


async def test_a_study_at_hand_is_a_patient_who_is_known(opened, box, fill_with):
    fill_with(box, 1)
    async with opened() as console:
        await console.sees("Nr000000")
        await console.press("enter", "o")
        await console.sees("Name", "Nr000000, Ann")
        await console.sees("Patient ID", "P000000")
        await console.fill_in("f", "MR")
        await console.press("ctrl+s")
        await console.sees("Order 1, accession number A0000001.")
        assert box.orders.get(1).patient_id == "P000000"


async def test_an_order_is_corrected(opened, box):
    box.orders.add(_JANE, "test")
    async with opened() as console:
        await console.press("f6")
        await console.sees("> ", "Doe, Jane")
        await console.press("enter")
        await console.sees("Change order 1")
        await console.sees("Born", "1970-01-31")
        await console.press("end")
        await console.type("tte")
        await console.press("ctrl+s")
        await console.sees("> ", "Doe, Janette")
        assert box.orders.get(1).patient_birth_date == "19700131"


async def test_cancelling_asks_first(opened, box):
    box.orders.add(_JANE, "test")
    async with opened() as console:
        await console.press("f6")
        await console.sees("> ", "Doe, Jane")
        await console.press("c")
        await console.sees("Cancel the order for Doe, Jane?")
        await console.press("enter")
        await console.sees("> ", "cancelled")
        assert box.orders.get(1).state is OrderState.CANCELLED
        assert "c Cancel" not in console.lines[-1]
        assert isinstance(console.app.screen, OrdersScreen)


async def test_an_order_that_another_process_makes_appears(opened, box):
    async with opened() as console:
        await console.press("f6")
        await console.sees("There are no orders yet.")
        box.orders.add_all(demo.samples(date(2026, 11, 21)), "demo")
        await console.sees("Yamada, Tarou 山")
        await console.sees("8 open")


@pytest.mark.parametrize(
    ("keyword", "value", "said"),
    [
        ("PatientName", "", "Name: please fill this in."),
        ("PatientBirthDate", "31.1.1970", ""),
        ("PatientBirthDate", "1970", "Born is a day such as 2026-11-21"),
        ("PatientSex", "x", "Sex is one of F, M, O"),
        ("Modality", "C-T", "Type is a code such as CT"),
        ("ScheduledProcedureStepStartTime", "25:00", "Time is a time such as 14:30"),
        ("ScheduledStationAETitle", "A TITLE THAT IS TOO LONG", "Station: "),
        ("ReferringPhysicianName", "", ""),
    ],
)
def test_each_field_is_judged_by_itself(keyword, value, said):
    assert fault(keyword, value).startswith(said)
    assert bool(fault(keyword, value)) == bool(said)
