"""Modality Performed Procedure Step SCP: N-CREATE and N-SET (PS3.4 annex F.7), and N-GET (F.8)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import uuid4

from appliance.access.journal import Journal
from appliance.dicom.json import Json
from appliance.dicom.repertoire import repertoire
from appliance.dicom.uid import is_valid
from appliance.dicom.write import from_json, writer
from appliance.dimse import command, received
from appliance.dimse import request as requests
from appliance.dimse.answering import Opening
from appliance.dimse.audited import note
from appliance.dimse.command import Element
from appliance.dimse.request import Request
from appliance.dimse.service import Service
from appliance.dimse.status import Status
from appliance.errors import IndexUnavailableError
from appliance.storage.rows import Step
from appliance.worklist import linking
from appliance.worklist.report import Refusal, ReportError
from appliance.worklist.steps import StepBook

log = logging.getLogger(__name__)

SOP_CLASS = "1.2.840.10008.3.1.2.3.3"
RETRIEVE = "1.2.840.10008.3.1.2.3.4"
MAY_NO_LONGER_BE_UPDATED = 0xA710
"""Error ID (PS3.4 table F.7.2-2)."""
_UNAVAILABLE = "the index is not available"
_NOT_KEPT = "the report is not kept: the index is not available; send again"
_STATUS = {
    Refusal.DUPLICATE: Status.DUPLICATE_INSTANCE,
    Refusal.UNKNOWN: Status.NO_SUCH_INSTANCE,
    Refusal.FINAL: Status.PROCESSING_FAILURE,
    Refusal.INVALID_UID: Status.INVALID_OBJECT_INSTANCE,
    Refusal.INVALID: Status.INVALID_ATTRIBUTE_VALUE,
    Refusal.MISSING: Status.MISSING_ATTRIBUTE,
    Refusal.EMPTY: Status.MISSING_ATTRIBUTE_VALUE,
}


@dataclass(frozen=True)
class _Answer:
    """What a modality is told."""

    status: Status
    comment: str = ""
    also: dict[int, Element] = field(default_factory=dict)
    data: bytes = b""
    study: str = ""


def service(storage: Opening, journal: Journal | None = None) -> Service:
    """What modalities report of their work."""

    def create(request: Request) -> None:
        # The modality may leave the UID to us (PS3.7 10.1.5.1.4).
        uid = request.command.sop_instance_uid or f"2.25.{uuid4().int}"
        done = _taken(request, storage, lambda book, said: book.create(uid, said, request.caller.title))
        _answer(request, journal, "N-CREATE", uid, done)

    def change(request: Request) -> None:
        uid = request.command.sop_instance_uid
        _answer(request, journal, "N-SET", uid, _taken(request, storage, lambda book, said: book.update(uid, said)))

    return Service("mpps", (SOP_CLASS,), {command.N_CREATE_RQ: create, command.N_SET_RQ: change})


def retrieve_service(
    storage: Opening, character_set: Callable[[], str] = lambda: "", journal: Journal | None = None
) -> Service:
    """What was reported, told to modalities that go on with another's work."""

    def tell(request: Request) -> None:
        _answer(request, journal, "N-GET", request.command.sop_instance_uid, _told(request, storage, character_set()))

    return Service("mpps", (RETRIEVE,), {command.N_GET_RQ: tell})


def _answer(request: Request, journal: Journal | None, what: str, uid: str, answer: _Answer) -> None:
    named: dict[int, Element] = {requests.SOP_INSTANCE: uid} if is_valid(uid) else {}
    request.respond(answer.status, answer.data, answer.comment, named | answer.also)
    items = int(not answer.comment)
    note(journal, request, "mpps", what, answer.status, study=answer.study, items=items)


def _taken(request: Request, storage: Opening, take: Callable[[StepBook, Json], Step]) -> _Answer:
    """Success once it is committed; else the modality is told why not, so that it keeps its report."""
    try:
        said = received.attributes(received.data_set(request.data, request.context.transfer_syntax))
        with storage() as index:
            step = take(StepBook(index), said)
    except ReportError as fault:
        log.warning("%s: a performed procedure step was refused: %s", request.caller, fault)
        return _refusal(fault, request.command.field)
    except ValueError as fault:
        return _Answer(Status.PROCESSING_FAILURE, str(fault))
    except IndexUnavailableError as fault:
        log.error("%s: a performed procedure step could not be kept: %s", request.caller, fault)
        return _Answer(Status.PROCESSING_FAILURE, _NOT_KEPT)
    log.info("%s: performed procedure step %s is %s", request.caller, step.sop_instance_uid, step.state)
    return _Answer(Status.SUCCESS, study=_study(step))


def _refusal(fault: ReportError, asked: int) -> _Answer:
    also: dict[int, Element] = {}
    if fault.refusal is Refusal.FINAL:
        also[requests.ERROR_ID] = MAY_NO_LONGER_BE_UPDATED
    # Only the response of N-SET has a list of attributes at fault (PS3.7 tables 10.3-3 and 10.3-5).
    if fault.tags and asked == command.N_SET_RQ:
        also[requests.ATTRIBUTES] = command.tags(int(tag, 16) for tag in fault.tags)
    return _Answer(_STATUS[fault.refusal], str(fault), also)


def _told(request: Request, storage: Opening, character_set: str) -> _Answer:
    """What is asked for of a step: all of it where no attributes are named (PS3.7 10.1.2)."""
    try:
        with storage() as index:
            step = index.steps.get(request.command.sop_instance_uid)
    except IndexUnavailableError:
        return _Answer(Status.PROCESSING_FAILURE, _UNAVAILABLE)
    if step is None:
        return _Answer(Status.NO_SUCH_INSTANCE, "no such performed procedure step")
    asked = {f"{tag:08X}" for tag in request.command.attributes} or step.attributes.keys()
    found = {tag: element for tag, element in step.attributes.items() if tag in asked}
    data = writer(request.context.transfer_syntax).data_set(from_json(found), repertoire(character_set.encode("ascii")))
    status = Status.SUCCESS if found.keys() == asked else Status.LEFT_OUT
    return _Answer(status, data=data, study=_study(step))


def _study(step: Step) -> str:
    return next((reference.study_instance_uid for reference in linking.references(step.attributes)), "")
