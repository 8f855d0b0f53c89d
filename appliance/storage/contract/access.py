"""Programs' access and the audit trail in the index."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from appliance.storage.rows.access import AuditRow, Token


class Tokens(Protocol):
    """Access tokens of programs."""

    def add(self, token: Token) -> None:
        """A new token; raises `AlreadyExistsError` when one of that name, in whatever case, is in use."""

    def get(self, token_id: str) -> Token | None:
        """By its number."""

    def all(self) -> list[Token]:
        """All tokens, newest first, those that are over too."""

    def revoke(self, name: str) -> bool:
        """End the token in use of that name now; False when there is none."""


class Audit(Protocol):
    """Who read and wrote what; rows are only ever added."""

    def add(self, rows: Iterable[AuditRow], batch: str = "") -> bool:
        """Add `rows` in the running transaction; False when those of `batch`, if it has a name, are here already."""

    def rows(
        self, *, study_instance_uid: str = "", who: str = "", since: str = "", before: int = 0, limit: int = 100
    ) -> list[AuditRow]:
        """Newest first; of one study, of one who asks, from a time on, with numbers below `before`."""
