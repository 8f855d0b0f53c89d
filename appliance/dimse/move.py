"""C-MOVE: instances go to a peer that we know, on an association of their own (PS3.4 C.4.2)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from appliance.access.journal import Journal
from appliance.dimse import command, models, retrieve
from appliance.dimse.answering import Opening
from appliance.dimse.request import Request
from appliance.dimse.retrieve import Retrieval
from appliance.dimse.service import Service
from appliance.dimse.status import Status
from appliance.errors import IndexUnavailableError
from appliance.peers.faults import PeerError
from appliance.storage.rows import Peer, TransferItem
from appliance.transfers.ledger import Outcome

log = logging.getLogger(__name__)

_ORIGINATOR_TITLE, _ORIGINATOR_ID = 0x1030, 0x1031
"""Of a C-STORE: who asked for it, by which C-MOVE (PS3.7 9.3.1.1)."""


class Send(Protocol):
    """How instances are sent: `dimse.client.send`, in the box."""

    def __call__(
        self,
        peer: Peer,
        items: Sequence[TransferItem],
        report: Callable[[Outcome], None],
        stopped: Callable[[], bool],
        *,
        also: Mapping[int, int | str],
    ) -> None:
        """Send `items`, `report` each as it is settled, ask `stopped` before each; raises `PeerError`.

        `also` are elements of each C-STORE's command set, by number in group 0000.
        """


def service(storage: Opening, send: Send, journal: Journal | None = None) -> Service:
    """C-MOVE in all information models."""

    def answer(request: Request) -> None:
        try:
            peer = _destination(request, storage)
        except IndexUnavailableError:
            comment = "the index cannot be read at the moment"
            return retrieve.refuse(request, journal, "C-MOVE", Status.UNABLE_TO_COUNT, comment)
        if peer is None:
            comment = "the move destination is no peer of this box"
            return retrieve.refuse(request, journal, "C-MOVE", Status.DESTINATION_UNKNOWN, comment)
        retrieval = retrieve.begin(request, storage, journal, f"C-MOVE to {peer.name}")
        return None if retrieval is None else _move(request, peer, retrieval, send)

    classes = models.sop_classes(models.MOVE)
    return Service("retrieve", classes, answers={command.C_MOVE_RQ: answer}, able=b"\1")


def _destination(request: Request, storage: Opening) -> Peer | None:
    with storage() as index:
        known = index.peers.all()
    return next((peer for peer in known if not peer.url and peer.ae_title == request.command.destination), None)


def _move(request: Request, peer: Peer, retrieval: Retrieval, send: Send) -> None:
    comment = ""
    also: dict[int, int | str] = {_ORIGINATOR_TITLE: request.caller.title, _ORIGINATOR_ID: request.command.message_id}

    def report(outcome: Outcome) -> None:
        retrieval.note(outcome.sop_instance_uid, sent=outcome.sent, warned=outcome.sent and bool(outcome.note))

    with retrieval:
        try:
            send(peer, retrieval.items, report, lambda: retrieval.cancelled, also=also)
        except PeerError as fault:
            log.info("%s: a C-MOVE to %s: %s", request.caller, peer.name, fault)
            comment = str(fault)
        retrieval.conclude(comment)
