"""The promises of `contract.Orders` and `contract.Steps`, for every backend."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.errors import AlreadyExistsError
from appliance.storage.contract import Storage
from appliance.storage.rows import Order, OrderState, Step, StepState, WorklistFile


def order(day: str = "20261121", time: str = "0900", **said: str) -> Order:
    texts = dict.fromkeys((name for name, field in Order.__dataclass_fields__.items() if field.type == "str"), "")
    values = texts | {"start_date": day, "start_time": time} | said
    return Order(0, OrderState.ORDERED, {"00100020": {"vr": "LO", "Value": [f"{day}{time}"]}}, **values)


def step(uid: str = "1.2.3") -> Step:
    texts = dict.fromkeys((name for name, field in Step.__dataclass_fields__.items() if field.type == "str"), "")
    return Step(state=StepState.IN_PROGRESS, attributes={}, **texts | {"sop_instance_uid": uid})


def add(storage: Storage, *orders: Order) -> list[Order]:
    with storage.transaction():
        return [storage.orders.add(each) for each in orders]


def test_an_order_comes_back_as_it_was_with_its_number_and_times(storage: Storage) -> None:
    (kept,) = add(storage, order(patient_name="Müller^Jürgen", accession_number="A1"))
    assert storage.orders.get(kept.id) == kept
    said = order(patient_name="Müller^Jürgen", accession_number="A1")
    assert kept == replace(said, id=kept.id, created=kept.created, updated=kept.updated)
    assert kept.created == kept.updated != ""
    with storage.transaction():
        storage.orders.change(replace(kept, state=OrderState.STARTED, images=3))
    changed = storage.orders.get(kept.id)
    assert changed is not None
    assert (changed.state, changed.images, changed.created) == (OrderState.STARTED, 3, kept.created)
    assert storage.orders.get(99) is None


def test_numbers_are_known_beforehand_and_never_given_twice(storage: Storage) -> None:
    assert storage.orders.next_id() == 1
    assert add(storage, order())[0].id == 1
    assert storage.orders.next_id() == 2


def test_the_worklist_has_open_orders_of_the_days_asked_for_by_time(storage: Storage) -> None:
    days = [order("20261122"), order("20261121", "1000"), order("20261121", "0900"), order("20261123")]
    kept = add(storage, *days)
    with storage.transaction():
        storage.orders.change(replace(kept[3], state=OrderState.COMPLETE))

    def ids(first: str = "", last: str = "") -> list[str]:
        return [item["00100020"]["Value"][0] for item in storage.orders.scheduled(first, last)]

    assert ids() == ["202611210900", "202611211000", "202611220900"]
    assert ids("20261122") == ["202611220900"]
    assert ids("", "20261121") == ["202611210900", "202611211000"]
    assert [each.start_date for each in storage.orders.before("20261122")] == ["20261121", "20261121"]


def test_lists_begin_with_the_latest_and_may_leave_out_what_is_over(storage: Storage) -> None:
    kept = add(storage, order("20261121"), order("20261123"), order("20261122"))
    with storage.transaction():
        storage.orders.change(replace(kept[1], state=OrderState.CANCELLED))
    assert [each.id for each in storage.orders.all()] == [2, 3, 1]
    assert [each.id for each in storage.orders.all(unfinished=True)] == [3, 1]
    assert [each.id for each in storage.orders.all(limit=1)] == [2]


def test_orders_are_known_by_any_identifier_and_empty_ones_say_nothing(storage: Storage) -> None:
    add(
        storage,
        order(accession_number="A1", scheduled_procedure_step_id="S1"),
        order(study_instance_uid="1.2"),
        order(),
    )
    assert [each.id for each in storage.orders.known_by("1.2", "A1", "S1")] == [2, 1]
    assert storage.orders.known_by() == []
    assert storage.orders.known_by(step_id="S2") == []


def test_files_of_the_folder_are_remembered_until_they_are_forgotten(storage: Storage) -> None:
    (kept,) = add(storage, order())
    first, second = WorklistFile("a.wl", "1", kept.id, ""), WorklistFile("b.wl", "1", None, "it is none")
    with storage.transaction():
        storage.orders.note_file(first)
        storage.orders.note_file(second)
        storage.orders.note_file(replace(second, mark="2"))
    assert storage.orders.files() == {"a.wl": first, "b.wl": replace(second, mark="2")}
    with storage.transaction():
        storage.orders.forget_files(["a.wl"])
    assert list(storage.orders.files()) == ["b.wl"]


def test_a_step_is_new_once_and_comes_back_with_its_orders(storage: Storage) -> None:
    add(storage, order(), order())
    with storage.transaction():
        storage.steps.add(step())
        storage.steps.link("1.2.3", [2, 1, 2])
    found = storage.steps.get("1.2.3")
    assert found is not None
    assert (found.order_ids, found.state) == ((1, 2), StepState.IN_PROGRESS)
    with pytest.raises(AlreadyExistsError), storage.transaction():
        storage.steps.add(step())
    with storage.transaction():
        storage.steps.link("1.2.3", [2])
        storage.steps.change(replace(step(), state=StepState.COMPLETED, attributes={"a": 1}))
    assert storage.steps.of_order(1) == []
    (linked,) = storage.steps.of_order(2)
    assert (linked.state, linked.attributes, linked.order_ids) == (StepState.COMPLETED, {"a": 1}, (2,))
    assert storage.steps.get("1.2.4") is None


def test_steps_are_listed_newest_first(storage: Storage) -> None:
    with storage.transaction():
        for number in range(3):
            storage.steps.add(step(f"1.2.{number}"))
    assert {each.sop_instance_uid for each in storage.steps.all()} == {"1.2.0", "1.2.1", "1.2.2"}
    assert len(storage.steps.all(limit=2)) == 2
