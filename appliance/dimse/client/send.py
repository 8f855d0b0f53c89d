"""C-STORE of many instances to a peer (PS3.4 annex B): the bytes as we have them."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from appliance.dicom import part10, transcode
from appliance.dicom.transcode import Transcoder
from appliance.dimse.client.association import Association, DataSet, Limits, comment, status
from appliance.dimse.client.crew import Crew
from appliance.dimse.client.ourselves import Ourselves
from appliance.dimse.client.pdu import Context
from appliance.errors import UnreadableInstanceError
from appliance.peers.faults import Fault, PeerError
from appliance.storage.contract import Blobs
from appliance.storage.rows import Peer, TransferItem
from appliance.transfers import words
from appliance.transfers.ledger import Outcome

log = logging.getLogger(__name__)

MAX_CONTEXTS = 128
"""Their numbers are the odd ones of a byte (PS3.8 9.3.2.2)."""
WORTH = 16
"""Instances that are worth another association."""
_C_STORE = 0x0001
_MEDIUM = 0x0000
_DUPLICATE = 0x0111
_WARNINGS = frozenset((0x0001, 0x0107, _DUPLICATE, 0x0116))
"""Beside Bxxx (PS3.7 annex C). A duplicate is no failure: what the sender wants is that it is there."""


def send(
    peer: Peer,
    items: Sequence[TransferItem],
    report: Callable[[Outcome], None],
    stopped: Callable[[], bool],
    *,
    ourselves: Ourselves,
    blobs: Blobs,
    scratch: Path,
    associations: int = 1,
    also: Mapping[int, int | str] | None = None,
    limits: Limits | None = None,
) -> None:
    """Send `items`, about in their order, as far as the peer's formats allow; `report` each when it is settled.

    Over as many as `associations` at a time where there are many, and where the peer lets us; `report` and
    `stopped`, which is asked before each, are called by all of their threads. What the peer has no room for stays
    unsettled. `scratch` is a folder for data sets that need another encoding. `also` are elements of each request
    beside its own, by number in group 0000. Raises `PeerError` when the rest may be tried later.
    """
    with contextlib.closing(
        _Errand(peer, ourselves=ourselves, blobs=blobs, scratch=scratch, report=report, also=also or {})
    ) as errand:
        while not stopped() and (waiting := [item for item in items if item.sop_instance_uid not in errand.seen]):
            batch, contexts = first_batch(waiting)

            def call(contexts: Sequence[Context] = contexts) -> Association:
                return Association(peer, ourselves, contexts, limits)

            Crew(peer.name, call, batch, errand.do, stopped).work(min(associations, 1 + len(batch) // WORTH))
    if errand.postponed:
        raise errand.full()


def first_batch(items: Sequence[TransferItem]) -> tuple[list[TransferItem], list[Context]]:
    """As many of `items` as can share an association, and the contexts for it."""
    contexts: dict[Context, None] = {}
    batch: list[TransferItem] = []
    for item in items:
        wanted = dict.fromkeys(_contexts(item.sop_class_uid, item.transfer_syntax_uid))
        if len(contexts | wanted) <= MAX_CONTEXTS:
            contexts |= wanted
            batch.append(item)
    return batch, list(contexts)


@lru_cache(maxsize=1000)
def _contexts(sop_class_uid: str, transfer_syntax_uid: str) -> list[Context]:
    """The stored encoding by itself, so that the peer can't prefer another; then those we can make of it."""
    return [Context(sop_class_uid, (uid,)) for uid in transcode.targets(transfer_syntax_uid)]


def choose(accepted: Mapping[tuple[str, str], int], item: TransferItem) -> tuple[int, str] | None:
    """Presentation context and transfer syntax for an instance: as stored if the peer takes that."""
    syntaxes = [context.transfer_syntaxes[0] for context in _contexts(item.sop_class_uid, item.transfer_syntax_uid)]
    for uid in syntaxes:
        if (item.sop_class_uid, uid) in accepted:
            return accepted[item.sop_class_uid, uid], uid
    return None


class _Errand:
    """One call of `send`: what was seen so far, and how a single instance goes."""

    def __init__(
        self,
        peer: Peer,
        *,
        ourselves: Ourselves,
        blobs: Blobs,
        scratch: Path,
        report: Callable[[Outcome], None],
        also: Mapping[int, int | str],
    ) -> None:
        self._peer = peer
        self._ourselves = ourselves
        self._blobs = blobs
        self._transcoder = Transcoder(scratch)
        self._also = also
        self._report = report
        self._lock = threading.Lock()
        self._last_was_full = False
        self.seen: set[str] = set()
        self.postponed = False

    def close(self) -> None:
        """Nothing more is to be converted."""
        self._transcoder.close()

    def full(self) -> PeerError:
        """The peer has no room."""
        return PeerError(Fault.FULL, words.trouble(Fault.FULL, self._peer, self._ourselves.title))

    def do(self, association: Association, item: TransferItem) -> bool:
        """Bring one instance over; False when its file gave out in the middle of the message."""
        chosen = choose(association.accepted, item)
        if chosen is None:
            self._refuse(item, self._not_taken(association, item))
            return True
        context, transfer_syntax_uid = chosen
        try:
            data = self._open(item, transfer_syntax_uid)
        except (OSError, EOFError, UnreadableInstanceError) as fault:
            self._unreadable(item, fault)
            return True
        with data.file:
            try:
                answer = association.ask(context, _C_STORE, {**_request(item), **self._also}, data)
            except (OSError, EOFError) as fault:
                self._unreadable(item, fault)
                return False
        self._settle(item, status(answer), comment(answer))
        return True

    def _open(self, item: TransferItem, transfer_syntax_uid: str) -> DataSet:
        """The instance's data set in this encoding. EOFError when its file is not whole."""
        file = self._blobs.open(item.blob_key)
        try:
            if (size := file.seek(0, os.SEEK_END)) != item.size:
                raise EOFError(f"the file has {size} bytes and should have {item.size}")
            file.seek(0)
            meta = part10.read(file)
            if meta.transfer_syntax_uid == transfer_syntax_uid:
                return DataSet(file, item.size - meta.length)
        except BaseException:
            file.close()
            raise
        other = self._transcoder.converted(file, meta.transfer_syntax_uid, transfer_syntax_uid)
        return DataSet(other, _size(other))

    def _settle(self, item: TransferItem, code: int, said: str) -> None:
        name = self._peer.name
        full = code & 0xFF00 == 0xA700
        with self._lock:
            # One that it has no room for may be one that it can't swallow; after two, all would go that way.
            again, self._last_was_full = full and self._last_was_full, full
        if again:
            raise self.full()
        if full:
            self.postponed = True
            self.seen.add(item.sop_instance_uid)
        elif code == 0:
            self._tell(Outcome(item.sop_instance_uid, sent=True))
        elif code & 0xF000 == 0xB000 or code in _WARNINGS:
            self._tell(Outcome(item.sop_instance_uid, sent=True, note=words.warned(name, code)))
        else:
            self._refuse(item, words.refused(name, code, said))

    def _refuse(self, item: TransferItem, reason: str) -> None:
        self._tell(Outcome(item.sop_instance_uid, sent=False, note=reason))

    def _tell(self, outcome: Outcome) -> None:
        self.seen.add(outcome.sop_instance_uid)
        self._report(outcome)

    def _unreadable(self, item: TransferItem, fault: Exception) -> None:
        log.error("%s cannot be sent: %s", item.blob_key, fault)
        self._refuse(item, words.unreadable(fault))

    def _not_taken(self, association: Association, item: TransferItem) -> str:
        if item.sop_class_uid in association.known:
            return words.format_not_taken(self._peer.name, item.transfer_syntax_uid)
        return words.kind_not_taken(self._peer.name, item.sop_class_uid)


def _size(file: BinaryIO) -> int:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    return size


def _request(item: TransferItem) -> dict[int, int | str]:
    return {0x0002: item.sop_class_uid, 0x0700: _MEDIUM, 0x1000: item.sop_instance_uid}
