"""The index as one."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from appliance.storage.contract.access import Audit, Tokens
from appliance.storage.contract.commitments import Commitments
from appliance.storage.contract.events import Events
from appliance.storage.contract.peers import Peers
from appliance.storage.contract.shares import Shares
from appliance.storage.contract.staff import Staff
from appliance.storage.contract.studies import Studies
from appliance.storage.contract.transfers import Proofs, Transfers
from appliance.storage.contract.worklist import Orders, Steps


class Storage(Protocol):
    """The index: one object a thread."""

    studies: Studies
    events: Events
    shares: Shares
    peers: Peers
    transfers: Transfers
    tokens: Tokens
    staff: Staff
    orders: Orders
    steps: Steps
    audit: Audit
    commitments: Commitments
    proofs: Proofs

    def transaction(self) -> AbstractContextManager[None]:
        """Take the write lock at once, commit at the end, roll back on any exception."""

    def version(self) -> int:
        """A number that changes when another connection has committed; costs microseconds."""

    def check(self) -> list[str]:
        """Faults found in the index itself, in words; empty when it is sound.

        Raises `IndexUnavailableError` where it can't be written to.
        """

    def snapshot(self, path: Path) -> None:
        """Write all that the archive can't rebuild, as of one moment, to a new file, checked but not flushed.

        The file can stand in for the index: `reindex` makes the rest. Numbers go on behind a gap, as `skip_numbers`
        makes it.
        """

    def skip_numbers(self) -> None:
        """Leave a gap in the numbers of shares, transfers, events: those that a lost index gave are not given again."""

    def close(self) -> None:
        """Let go of it."""
