"""What callers ask us to commit to, in the index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from appliance.storage.rows.commitments import Commitment, CommitmentState
from appliance.storage.rows.instances import Held


class Commitments(Protocol):
    """What callers ask us to commit to. The state machine is drawn in `rows.CommitmentState`."""

    def add(self, commitment: Commitment) -> Commitment:
        """A new one; gives it with its number and times."""

    def get(self, commitment_id: int) -> Commitment | None:
        """By number."""

    def of_transaction(self, transaction_uid: str) -> list[Commitment]:
        """Those that named this Transaction UID, oldest first."""

    def all(self, limit: int = 200, unfinished: bool = False) -> list[Commitment]:
        """Newest first."""

    def due(self, now: str, beyond: str, limit: int = 100) -> list[Commitment]:
        """Open ones whose time has come, longest waiting first; what is due after `beyond` is due, as in `claim`."""

    def put_off(self, commitment_id: int, due: str, message: str = "", attempts: int = 1) -> None:
        """Look at it again at `due`; `attempts` were made to report it."""

    def ask_again(self, commitment_id: int, commitment: Commitment) -> None:
        """The same was asked once more: open again, with the references, mark, address and due of `commitment`."""

    def close(self, commitment_id: int, state: CommitmentState, failed: int = 0, message: str = "") -> bool:
        """From `open` to `state`, its references forgotten; False when it was closed already."""

    def forget(self, before: str) -> int:
        """Delete those that were closed before this time; how many."""

    def held(self, sop_instance_uids: Sequence[str]) -> dict[str, Held]:
        """What the index says of each of these instances that it has."""
