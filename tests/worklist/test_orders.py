"""The book of orders."""

from __future__ import annotations

import pytest

from appliance import events
from appliance.box import Box
from appliance.errors import AlreadyExistsError, NotFoundError, PacsboxError
from appliance.storage.rows import OrderState
from appliance.worklist import item as items

_JANE = {"PatientName": "Doe^Jane", "PatientID": "4711", "Modality": "CT"}


def test_an_order_is_news_without_the_patients_data(box: Box) -> None:
    order = box.orders.add(_JANE, "console")
    (news,) = box.storage.events.since(0)
    assert (news.kind, news.study_instance_uid) == (events.ORDER_CHANGED, order.study_instance_uid)
    assert news.detail == {"order": 1, "state": "ordered"}


def test_an_accession_number_is_of_one_open_order_or_of_several_steps(box: Box) -> None:
    first = box.orders.add(_JANE | {"AccessionNumber": "A1"}, "test")
    with pytest.raises(AlreadyExistsError, match="Order 1 has the accession number 'A1' already"):
        box.orders.add(_JANE | {"AccessionNumber": "A1"}, "test")
    second = box.orders.add(_JANE | {"AccessionNumber": "A1", "ScheduledProcedureStepID": "SECOND"}, "test")
    box.orders.cancel(first.id)
    box.orders.cancel(second.id)
    assert box.orders.add(_JANE | {"AccessionNumber": "A1"}, "test").id == 3


def test_of_several_orders_all_are_added_or_none(box: Box) -> None:
    made = [items.made(_JANE | {"AccessionNumber": number}) for number in ("A1", "A2", "A1")]
    with pytest.raises(AlreadyExistsError):
        box.orders.add_all(made, "import")
    assert box.orders.all() == []
    assert len(box.orders.add_all(made[:2], "import")) == 2


def test_an_order_is_changed_as_long_as_it_is_open(box: Box) -> None:
    before = box.orders.add(_JANE, "console")
    after = box.orders.change(before.id, {"PatientName": "Doe^Janet", "ScheduledStationAETitle": "CT1"})
    assert (after.patient_name, after.station, after.patient_id) == ("Doe^Janet", "CT1", "4711")
    assert after.study_instance_uid == before.study_instance_uid
    with pytest.raises(ValueError, match="PatientID is missing"):
        box.orders.change(before.id, {"PatientID": ""})
    box.orders.cancel(before.id)
    with pytest.raises(PacsboxError, match="Order 1 is cancelled"):
        box.orders.change(before.id, {"PatientName": "Doe^Jane"})


def test_a_cancelled_order_is_offered_no_more(box: Box) -> None:
    box.orders.add(_JANE, "test")
    assert len(list(box.storage.orders.scheduled())) == 1
    assert box.orders.cancel(1).state is OrderState.CANCELLED
    assert list(box.storage.orders.scheduled()) == []
    with pytest.raises(PacsboxError, match="there is nothing to cancel"):
        box.orders.cancel(1)
    with pytest.raises(NotFoundError, match="no order 9"):
        box.orders.cancel(9)
