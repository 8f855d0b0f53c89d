"""Patients' access in the index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from appliance.storage.rows.shares import Opening, Share


class Shares(Protocol):
    """Shares and the log of their openings."""

    def add(self, study_instance_uid: str, code_hash: str, pin_hash: str, expires: str) -> Share:
        """A new share."""

    def get(self, share_id: int) -> Share | None:
        """By number."""

    def by_code(self, code_hash: str) -> Share | None:
        """By the hash of the link's code."""

    def all(self, study_instance_uid: str = "") -> list[Share]:
        """All shares, or those of a study, newest first."""

    def revoke(self, share_id: int) -> None:
        """End it now; ending it twice changes nothing."""

    def take_attempt(self, share_id: int, limit: int) -> bool:
        """Count one PIN attempt if fewer than `limit` were wrong; False when the share is locked.

        Counted before the PIN is looked at, so that parallel guesses can't exceed the limit.
        """

    def give_back_attempt(self, share_id: int) -> None:
        """The PIN was right: the attempt does not count as wrong."""

    def rearm(self, share_id: int, pin_hash: str) -> None:
        """Forget the wrong attempts, set a new PIN, void the sessions of the old one."""

    def log(self, share_id: int, address: str, what: str, detail: str = "") -> None:
        """Add a line to the share's log."""

    def openings(self, share_id: int) -> list[Opening]:
        """The share's log, newest first."""

    def opened(self, share_ids: Sequence[int]) -> dict[int, tuple[int, str]]:
        """How often each of these shares was opened, and when last; one that never was is absent."""
