"""Modality Performed Procedure Step SCP: N-CREATE and N-SET (PS3.4 annex F.7)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import cast
from uuid import uuid4

from pydicom.dataset import Dataset
from pynetdicom import evt
from pynetdicom.dimse_primitives import N_CREATE, N_SET
from pynetdicom.events import Event

from appliance.dicom.json import Json
from appliance.dimse.service import Service
from appliance.dimse.status import Status
from appliance.dimse.translate import failure, received
from appliance.errors import IndexUnavailableError
from appliance.storage.contract import Storage
from appliance.storage.rows import Step
from appliance.worklist.report import Refusal, ReportError
from appliance.worklist.steps import StepBook

log = logging.getLogger(__name__)

SOP_CLASS = "1.2.840.10008.3.1.2.3.3"
MAY_NO_LONGER_BE_UPDATED = 0xA710
"""Error ID (PS3.4 table F.7.2-2)."""
_UNAVAILABLE = "the report is not kept: the index is not available; send again"
_STATUS = {
    Refusal.DUPLICATE: Status.DUPLICATE_INSTANCE,
    Refusal.UNKNOWN: Status.NO_SUCH_INSTANCE,
    Refusal.FINAL: Status.PROCESSING_FAILURE,
    Refusal.INVALID_UID: Status.INVALID_OBJECT_INSTANCE,
    Refusal.INVALID: Status.INVALID_ATTRIBUTE_VALUE,
    Refusal.MISSING: Status.MISSING_ATTRIBUTE,
    Refusal.EMPTY: Status.MISSING_ATTRIBUTE_VALUE,
}

Opened = Callable[[], AbstractContextManager[Storage]]
Response = tuple[int | Dataset, Dataset | None]


def service(opened: Opened) -> Service:
    """The service over the index that `opened` gives for as long as a request takes."""

    def create(event: Event) -> Response:
        asked = cast(N_CREATE, event.request).AffectedSOPInstanceUID
        uid = str(asked or f"2.25.{uuid4().int}")
        done = _taken(opened, event, lambda book, said: book.create(uid, said, event.assoc.requestor.ae_title))
        return done, None if asked else _named(uid)

    def change(event: Event) -> Response:
        uid = str(cast(N_SET, event.request).RequestedSOPInstanceUID)
        return _taken(opened, event, lambda book, said: book.update(uid, said)), None

    return Service("mpps", (SOP_CLASS,), {evt.EVT_N_CREATE: create, evt.EVT_N_SET: change})


def _taken(opened: Opened, event: Event, take: Callable[[StepBook, Json], Step]) -> int | Dataset:
    """Success once it is committed; else the modality is told why not, so that it keeps its report."""
    who = event.assoc.requestor.ae_title
    try:
        said = received(lambda: _data_set(event)).keys
        with opened() as storage:
            step = take(StepBook(storage), said)
    except ReportError as fault:
        log.warning("%s: a performed procedure step was refused: %s", who, fault)
        return _refusal(fault, event)
    except ValueError as fault:
        return failure(Status.PROCESSING_FAILURE, str(fault))
    except IndexUnavailableError as fault:
        log.error("%s: a performed procedure step could not be kept: %s", who, fault)
        return failure(Status.PROCESSING_FAILURE, _UNAVAILABLE)
    log.info("%s: performed procedure step %s is %s", who, step.sop_instance_uid, step.state)
    return Status.SUCCESS


def _data_set(event: Event) -> Dataset:
    found: Dataset = event.modification_list if event.event is evt.EVT_N_SET else event.attribute_list
    return found


def _refusal(fault: ReportError, event: Event) -> Dataset:
    error_id = MAY_NO_LONGER_BE_UPDATED if fault.refusal is Refusal.FINAL else 0
    # Only the response of N-SET has a list of attributes at fault (PS3.7 tables 10.3-3 and 10.3-5).
    tags = fault.tags if event.event is evt.EVT_N_SET else ()
    return failure(_STATUS[fault.refusal], str(fault), error_id, tags)


def _named(uid: str) -> Dataset:
    """The UID that we gave, where the modality left that to us (PS3.7 10.1.5.1.4)."""
    dataset = Dataset()
    dataset.AffectedSOPInstanceUID = uid
    return dataset
