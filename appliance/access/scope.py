"""What the one who asks may do, and which studies exist for them: decided once, by a guard."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from appliance.dicom.query import Match
from appliance.errors import NotFoundError, PacsboxError


class Permission(StrEnum):
    """What a token may be good for."""

    STORE = "store"
    QUERY = "query"
    RETRIEVE = "retrieve"


EVERYTHING = frozenset(Permission)


class NotAllowedError(PacsboxError):
    """The one who asks is known, and may not do this."""


@dataclass(frozen=True)
class Scope:
    """The bounds of one request. Whoever answers it asks here, and never decides for itself."""

    who: str
    """For the log and the audit; the name of a token, never a secret."""
    may: frozenset[Permission] = frozenset()
    study: str = ""
    """The only study that there is for them; empty when there are all."""
    by: str = ""
    """The row that it hangs on, for what is passed on: `staff NUMBER EPOCH`, `token ID`; empty: none."""

    def check(self, permission: Permission) -> None:
        """Raises `NotAllowedError` when `permission` is not given."""
        if permission not in self.may:
            raise NotAllowedError(f"This access does not include: {permission}.")

    def sees(self, study_instance_uid: str) -> bool:
        """Whether that study exists for them."""
        return self.study in ("", study_instance_uid)

    def narrowed(self, match: Match) -> Match:
        """`match` with nothing in it that they may not see. Raises `NotFoundError` when it is about another study."""
        if not self.study:
            return match
        if match.within.get("StudyInstanceUID", self.study) != self.study:
            raise NotFoundError("There is no such study here.")
        return replace(match, within={**match.within, "StudyInstanceUID": self.study})
