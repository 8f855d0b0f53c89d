"""What staff may do with transfers; the sender does the rest."""

from __future__ import annotations

from dataclasses import dataclass

from appliance import events
from appliance.errors import NotFoundError
from appliance.storage.contract import Storage
from appliance.storage.rows import Transfer


@dataclass(frozen=True)
class TransferQueue:
    """The outgoing queue as staff see it."""

    storage: Storage

    def enqueue(self, study_instance_uid: str, peer: str) -> Transfer:
        """Queue a study, as it is now, for a peer. Raises `NotFoundError` when either is unknown."""
        known = self.storage.peers.get(peer)
        if known is None:
            raise NotFoundError(f"There is no peer {peer!r}.", "See `pacsbox peer list`.")
        if self.storage.studies.study(study_instance_uid) is None:
            raise NotFoundError(f"There is no study {study_instance_uid} here.")
        with self.storage.transaction():
            transfer = self.storage.transfers.add(study_instance_uid, known.name)
            tell(self.storage, transfer)
        return transfer

    def get(self, transfer_id: int) -> Transfer:
        """By number. Raises `NotFoundError`."""
        transfer = self.storage.transfers.get(transfer_id)
        if transfer is None:
            raise NotFoundError(f"There is no transfer {transfer_id}.", "See `pacsbox transfers`.")
        return transfer

    def all(self, limit: int = 200, unfinished: bool = False) -> list[Transfer]:
        """Newest first."""
        return self.storage.transfers.all(limit, unfinished)

    def refusals(self, transfer_id: int) -> list[tuple[str, str]]:
        """(SOP Instance UID, reason) of what the peer would not take."""
        return self.storage.transfers.refusals(transfer_id)

    def cancel(self, transfer_id: int) -> bool:
        """Stop it; False when it was over already. Raises `NotFoundError`."""
        transfer = self.get(transfer_id)
        with self.storage.transaction():
            done = self.storage.transfers.cancel(transfer.id)
            if done:
                tell(self.storage, self.get(transfer_id))
        return done

    def retry(self, transfer_id: int) -> bool:
        """Try a failed or cancelled one again, now; False when it is neither. Raises `NotFoundError`."""
        transfer = self.get(transfer_id)
        with self.storage.transaction():
            done = self.storage.transfers.retry(transfer.id, events.now())
            if done:
                tell(self.storage, self.get(transfer_id))
        return done


def tell(storage: Storage, transfer: Transfer) -> None:
    """Write the event of a transfer that has moved on, in the running transaction."""
    storage.events.add(events.TRANSFER_CHANGED, transfer.study_instance_uid, transfer=transfer.id, state=transfer.state)
