"""How far an order is."""

from __future__ import annotations

from datetime import date

import pytest

from appliance.storage.rows import OrderState, Step, StepState
from appliance.worklist.progress import aged, state_of
from tests.support.orders import order

P, C, D = StepState.IN_PROGRESS, StepState.COMPLETED, StepState.DISCONTINUED


def step(state: StepState) -> Step:
    texts = dict.fromkeys((name for name, field in Step.__dataclass_fields__.items() if field.type == "str"), "")
    return Step(state=state, attributes={}, **texts)


@pytest.mark.parametrize(
    ("before", "steps", "images", "missing", "after"),
    [
        ("ordered", [], 0, 0, "ordered"),
        ("ordered", [P], 0, 0, "started"),
        ("started", [P], 7, 0, "images here"),
        ("started", [C], 0, 0, "started"),
        ("started", [C], 0, 9, "started"),
        ("started", [C], 7, 2, "images here"),
        ("images here", [C], 9, 0, "complete"),
        ("images here", [C, P], 9, 0, "images here"),
        ("images here", [C, D], 9, 0, "complete"),
        ("started", [D], 0, 0, "ordered"),
        ("started", [D], 3, 0, "images here"),
        ("ordered", [], 3, 0, "images here"),
        ("complete", [], 3, 0, "complete"),
        ("complete", [], 0, 0, "complete"),
        ("complete", [C], 0, 9, "complete"),
        ("complete", [C, P], 9, 0, "images here"),
        ("cancelled", [], 0, 0, "cancelled"),
        ("expired", [], 0, 0, "expired"),
        ("expired", [P], 0, 0, "started"),
        ("cancelled", [], 3, 0, "images here"),
    ],
)
def test_what_is_linked_decides(before: str, steps: list[StepState], images: int, missing: int, after: str) -> None:
    assert state_of(order(1, state=OrderState(before)), [step(s) for s in steps], images, missing) == after


@pytest.mark.parametrize(
    ("state", "day", "after"),
    [
        ("ordered", "20261121", "ordered"),
        ("ordered", "20261118", "ordered"),
        ("ordered", "20261117", "expired"),
        ("started", "20261117", "expired"),
        ("images here", "20261117", "complete"),
        ("ordered", "", "ordered"),
    ],
)
def test_after_its_day_an_order_is_over(state: str, day: str, after: str) -> None:
    assert aged(order(1, state=OrderState(state), start_date=day), date(2026, 11, 21), 3) == after
