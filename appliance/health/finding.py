"""What a check finds: a sentence, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Severity(IntEnum):
    """How much it matters."""

    OK = 0
    NOTE = 1
    """Worth knowing; the box does its work."""
    PROBLEM = 2
    """Needs a person."""


@dataclass(frozen=True)
class Finding:
    """One sentence of the doctor."""

    severity: Severity
    about: str
    """The part of the box: `disk`, `services`, ..."""
    says: str
    advice: str = ""
    """What to do about it; empty when nothing is."""
