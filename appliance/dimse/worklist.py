"""Modality Worklist SCP: C-FIND for scheduled procedure steps (PS3.4 annex K)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from pydicom.dataset import Dataset
from pynetdicom import evt
from pynetdicom.events import Event

from appliance.dicom.worklist import unsupported
from appliance.dimse.service import Service
from appliance.dimse.status import Status
from appliance.dimse.translate import failure, received, to_dataset
from appliance.errors import IndexUnavailableError
from appliance.storage.contract import Storage
from appliance.worklist.answering import answers, days

log = logging.getLogger(__name__)

SOP_CLASS = "1.2.840.10008.5.1.4.31"
_UNAVAILABLE = "the list of orders is not available now; try again later"

Opened = Callable[[], AbstractContextManager[Storage]]
Response = tuple[int | Dataset, Dataset | None]


def service(opened: Opened, character_set: Callable[[], str] = lambda: "") -> Service:
    """The service over the index that `opened` gives for as long as a request takes.

    `character_set` is that of answers when the modality names none.
    """

    def answer(event: Event) -> Iterator[Response]:
        yield from _answer(event, opened, character_set())

    return Service("worklist", (SOP_CLASS,), {evt.EVT_C_FIND: answer})


def _answer(event: Event, opened: Opened, character_set: str) -> Iterator[Response]:
    try:
        with opened() as storage:
            yield from _found(event, storage, character_set)
    except IndexUnavailableError as fault:
        log.error("a modality could not be given its worklist: %s", fault)
        yield failure(Status.OUT_OF_RESOURCES, _UNAVAILABLE), None


def _found(event: Event, storage: Storage, character_set: str) -> Iterator[Response]:
    """K.4.1.1.4: pending with each match, FF01 where a key asked for is none that we support."""
    try:
        asked = received(lambda: event.identifier)
        first, last = days(asked.keys)
        found = answers(storage.orders.scheduled(first, last), asked.keys, event.assoc.requestor.ae_title)
    except ValueError as fault:
        yield failure(Status.DOES_NOT_MATCH_SOP_CLASS, str(fault)), None
        return
    pending = Status.PENDING_WITHOUT_SOME_KEYS if unsupported(asked.keys) else Status.PENDING
    for item in found:
        if event.is_cancelled:
            yield Status.CANCELLED, None
            return
        yield pending, to_dataset(item, asked.character_set or character_set)
