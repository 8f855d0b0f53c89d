"""The numbered news, as a row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Event:
    """Something that changed, written in the transaction of the change."""

    seq: int
    at: str
    kind: str
    """One of `appliance.events`."""
    study_instance_uid: str
    """Empty where it concerns no study."""
    detail: dict[str, Any] = field(default_factory=dict)
