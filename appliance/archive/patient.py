"""Who an image is of, and whether it may join a study: two people's images in one study would be shown to both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from appliance.dicom.names import fold


@dataclass(frozen=True)
class Patient:
    """What tells people apart; empty where an image doesn't say."""

    id: str = ""
    name: str = ""
    """Folded: without case and diacritics."""
    birth_date: str = ""

    @classmethod
    def of(cls, study: Mapping[str, Any]) -> Patient:
        """From a study's attributes by column."""
        return cls(study["patient_id"], fold(study["patient_name"]), study["patient_birth_date"])

    def may_be(self, other: Patient) -> bool:
        """Whether both can be the same person: at most one of the three differs, and another one vouches for it.

        IDs differ between clinics, so the name or the birth date may vouch; names and birth dates are corrected,
        for which the ID must vouch.
        """
        differ: set[str] = set()
        agree: set[str] = set()
        for each in fields(self):
            one, two = getattr(self, each.name), getattr(other, each.name)
            if one and two:
                (agree if one == two else differ).add(each.name)
        if not differ:
            return True
        return len(differ) == 1 and bool(agree if differ == {"id"} else agree & {"id"})

    def with_gaps_filled(self, other: Patient) -> Patient:
        """What both together say."""
        return Patient(self.id or other.id, self.name or other.name, self.birth_date or other.birth_date)
