"""The outgoing queue in the index, and what peers confirm of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from appliance.storage.rows.commitments import Reference
from appliance.storage.rows.transfers import Proof, Transfer, TransferItem, TransferState


class Transfers(Protocol):
    """The outgoing queue. Its state machine is drawn in `rows.TransferState`."""

    def add(self, study_instance_uid: str, peer: str) -> Transfer:
        """Queue the study as it is now for `peer`, every instance pending."""

    def get(self, transfer_id: int) -> Transfer | None:
        """By number."""

    def all(self, limit: int = 200, unfinished: bool = False) -> list[Transfer]:
        """Newest first."""

    def claim(self, now: str, busy_peers: Sequence[str] = (), beyond: str | None = None) -> Transfer | None:
        """The due transfer that has waited longest, now `sending` with one more attempt; None if none is due.

        `busy_peers` are passed over. What is due after `beyond` was put off by a clock that was ahead, and is due.
        """

    def pending(self, transfer_id: int) -> list[TransferItem]:
        """The instances that are not settled yet, in the study's order; one that was deleted has no blob key."""

    def acknowledge(self, transfer_id: int, notes: Mapping[str, str]) -> None:
        """The peer has these: they are never sent again within this transfer, and the tries are counted anew.

        `notes` is what the peer remarked on each, by SOP Instance UID; empty where it said nothing.
        """

    def refuse(self, transfer_id: int, reasons: Mapping[str, str]) -> None:
        """The peer, or its lack of a format, refused these instances for good; why, by SOP Instance UID."""

    def refusals(self, transfer_id: int) -> list[tuple[str, str]]:
        """(SOP Instance UID, reason) of the refused instances."""

    def notes(self, transfer_id: int) -> list[str]:
        """What the peer remarked on instances that it has."""

    def put_back(self, transfer_id: int) -> bool:
        """From `sending` to `queued`, the try not counted: the sender stops. False when it is not `sending`."""

    def finish(self, transfer_id: int, state: TransferState, message: str = "", due: str = "") -> bool:
        """From `sending` to `state`; False when it is not `sending` any more (cancelled meanwhile).

        Of one that is done, only the counts and the peer's remarks are kept: years of instances would fill the index.
        """

    def cancel(self, transfer_id: int) -> bool:
        """To `cancelled` unless it is over; False when it was."""

    def fail_all(self, peer: str, message: str) -> list[Transfer]:
        """Whatever is on its way to `peer`, in whatever case, to `failed`; gives those."""

    def retry(self, transfer_id: int, now: str) -> bool:
        """A failed or cancelled one back to `queued`, its refused instances pending again."""

    def recover(self) -> int:
        """At the sender's start: what a dead sender left `sending` is `queued` again; how many."""


class Proofs(Protocol):
    """Whether peers keep what our transfers brought. The state machine is drawn in `rows.Proof`."""

    def want(self, transfer_id: int) -> None:
        """Ask the peer of a transfer that is about to be done; its instances are remembered until it is settled."""

    def due(self, now: str, beyond: str) -> list[Transfer]:
        """Those whose peer is to be asked now, longest waiting first; `beyond` as in `claim`."""

    def overdue(self, now: str) -> list[Transfer]:
        """Those whose peer was asked, and has not answered in time."""

    def of_transaction(self, transaction_uid: str) -> Transfer | None:
        """The transfer whose peer was asked last by this Transaction UID."""

    def unproven(self, transfer_id: int) -> list[Reference]:
        """What the peer was sent and has not confirmed; of what was deleted here meanwhile, without its SOP class."""

    def begin(self, transfer_id: int, transaction_uid: str) -> None:
        """The peer is about to be asked by this Transaction UID: it may answer from now on."""

    def put_off(self, transfer_id: int, transaction_uid: str, due: str) -> None:
        """It could not be asked by this Transaction UID: try again at `due`."""

    def wait(self, transfer_id: int, transaction_uid: str, until: str) -> None:
        """It was asked; unless it has answered already, its answer has time `until` then."""

    def confirm(self, transfer_id: int, sop_instance_uids: Collection[str]) -> None:
        """The peer keeps these."""

    def settle(self, transfer_id: int, proof: Proof) -> None:
        """How it ended; of the instances, only the peer's remarks are kept."""

    def send_again(self, transfer_id: int, sop_instance_uids: Collection[str], message: str) -> None:
        """From `done` to `queued`, these instances pending again: the peer does not have them."""

    def fail(self, transfer_id: int, reasons: Mapping[str, str], message: str) -> None:
        """From `done` to `failed`: the peer does not keep these instances, for reasons that sending can't cure."""
