"""C-GET: instances go out on the association of the request (PS3.4 C.4.3)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from appliance.access.journal import Journal
from appliance.dicom import transcode
from appliance.dicom.transcode import Transcoder
from appliance.dimse import command, models, retrieve
from appliance.dimse.answering import Opening
from appliance.dimse.request import Request
from appliance.dimse.service import Service
from appliance.errors import UnreadableInstanceError
from appliance.storage.contract import Blobs
from appliance.storage.rows import TransferItem

log = logging.getLogger(__name__)

_WARNINGS = frozenset((0x0001, 0x0107, 0x0111, 0x0116))
"""Beside Bxxx (PS3.7 annex C): the peer has it, with a remark."""


def service(storage: Opening, blobs: Blobs, scratch: Path, journal: Journal | None = None) -> Service:
    """C-GET in all information models; `scratch` is a folder for data sets that need another encoding."""

    def answer(request: Request) -> None:
        retrieval = retrieve.begin(request, storage, journal, "C-GET")
        if retrieval is None:
            return
        with retrieval, Transcoder(scratch) as transcoder:
            for number, item in enumerate(retrieval.items, request.command.message_id):
                if retrieval.cancelled:
                    break
                status = _sent(request, number % 0xFFFF + 1, item, blobs, transcoder)
                warned = status is not None and (status & 0xF000 == 0xB000 or status in _WARNINGS)
                retrieval.note(item.sop_instance_uid, sent=status == 0 or warned, warned=warned)
            retrieval.conclude()

    classes = models.sop_classes(models.GET)
    return Service("retrieve", classes, answers={command.C_GET_RQ: answer}, able=b"\1", sends=True)


def choose(to_store: Mapping[tuple[str, str], int], item: TransferItem) -> tuple[int, str] | None:
    """Presentation context and transfer syntax for an instance: as it is stored, if the peer takes that."""
    for syntax in transcode.targets(item.transfer_syntax_uid):
        if (item.sop_class_uid, syntax) in to_store:
            return to_store[item.sop_class_uid, syntax], syntax
    return None


def _sent(request: Request, number: int, item: TransferItem, blobs: Blobs, transcoder: Transcoder) -> int | None:
    """The peer's status for an instance; None when it could not be sent."""
    chosen = choose(request.to_store, item)
    if chosen is None:
        log.info("%s: an instance of %s cannot be sent, since no context fits", request.caller, item.sop_class_uid)
        return None
    context_id, syntax = chosen
    try:
        data = transcoder.open(blobs.path(item.blob_key), item.size, syntax)
    except (OSError, EOFError, UnreadableInstanceError) as fault:
        log.error("%s cannot be sent: %s", item.blob_key, fault)
        return None
    with data:
        return request.store(context_id, number, item.sop_class_uid, item.sop_instance_uid, data)
