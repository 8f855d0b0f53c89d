"""Orders made up."""

from __future__ import annotations

from typing import Any

from appliance.storage.rows import Order, OrderState


def order(number: int, **said: Any) -> Order:
    """An order of Jane Doe's, with what is `said` of it by column."""
    texts = dict.fromkeys((name for name, field in Order.__dataclass_fields__.items() if field.type == "str"), "")
    jane = {"patient_name": "Doe^Jane", "patient_id": "4711", "patient_birth_date": "19700131"}
    return Order(**{"id": number, "state": OrderState.ORDERED, "item": {}, **texts, **jane, **said})
