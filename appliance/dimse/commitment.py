"""Storage commitment over DIMSE, both ways (PS3.4 annex J): callers ask us, and peers whom we asked report.

```
N-ACTION -> written down -> success -> the caller stays on the line? N-EVENT-REPORT on it -> reported
                                       '-> it hangs up, or wants something else: the sender calls it
N-EVENT-REPORT -> written down -> success
```
"""

from __future__ import annotations

import logging
import time
from enum import IntEnum
from io import BytesIO

from pydicom.dataset import Dataset
from pynetdicom.dsutils import encode

from appliance.access.journal import Journal
from appliance.commitment import proofs
from appliance.commitment.asked import accept
from appliance.commitment.evidence import Evidence
from appliance.commitment.messages import (
    REQUEST,
    SOP_CLASS,
    SOP_INSTANCE,
    Report,
    read_question,
    read_report,
    report_data,
)
from appliance.commitment.reporter import reported
from appliance.dimse import command
from appliance.dimse import request as requests
from appliance.dimse.answering import Opening
from appliance.dimse.audited import note
from appliance.dimse.received import data_set
from appliance.dimse.request import Request
from appliance.dimse.service import Service
from appliance.errors import IndexUnavailableError
from appliance.events import now
from appliance.storage.contract import Storage
from appliance.storage.rows import Commitment

log = logging.getLogger(__name__)

MANNERS = 1.0
"""Seconds for which we let a caller hang up, as most do after the answer, before we report on its association."""
STAYS = 15.0
"""Seconds for which we find out what we keep, as long as the caller stays and wants nothing else."""
_LOOK = 0.05


class Status(IntEnum):
    """What an N-ACTION or N-EVENT-REPORT is answered with (PS3.7 annex C)."""

    SUCCESS = 0x0000
    PROCESSING_FAILURE = 0x0110
    NO_SUCH_INSTANCE = 0x0112
    INVALID_ARGUMENT = 0x0115
    NO_SUCH_SOP_CLASS = 0x0118
    NO_SUCH_ACTION = 0x0123
    UNRECOGNIZED_OPERATION = 0x0211


class CommitmentService:
    """Answers both; opens the index for each message, and waits for nobody while it is away."""

    def __init__(self, storage: Opening, evidence: Evidence, journal: Journal | None = None) -> None:
        """What is asked is noted in `journal`."""
        self._storage = storage
        self._evidence = evidence
        self._journal = journal

    def service(self) -> Service:
        """As the server offers it."""
        return Service(
            right="commitment",
            sop_classes=(SOP_CLASS,),
            answers={command.N_ACTION_RQ: self.answer_question, command.N_EVENT_REPORT_RQ: self.answer_report},
        )

    def answer_question(self, request: Request) -> None:
        """N-ACTION: success means that it will be reported, whatever happens to us."""
        status, reason, commitment = self._taken(request)
        if reason:
            log.warning("%s: a question what we keep was refused (0x%04X): %s", request.caller, status, reason)
        asked = len(commitment.references) if commitment is not None else 0
        note(self._journal, request, "commitment", "N-ACTION", status, items=asked)
        _respond(request, status, reason)
        if commitment is not None:
            self._report_here(request, commitment)

    def _taken(self, request: Request) -> tuple[Status, str, Commitment | None]:
        asked = request.command
        if asked.sop_class_uid != SOP_CLASS:
            return Status.NO_SUCH_SOP_CLASS, "not the Storage Commitment Push Model", None
        if asked.sop_instance_uid != SOP_INSTANCE:
            return Status.NO_SUCH_INSTANCE, "not its well-known instance", None
        if asked.kind != REQUEST:
            return Status.NO_SUCH_ACTION, f"there is no action {asked.kind}", None
        who = request.caller
        try:
            question = read_question(data_set(request.data, request.context.transfer_syntax))
            mark = self._evidence.mark()
            with self._storage() as storage:
                commitment = accept(
                    storage, question, ae_title=who.title, called=who.called, address=who.address, mark=mark
                )
        except ValueError as fault:
            return Status.INVALID_ARGUMENT, str(fault), None
        except (IndexUnavailableError, OSError) as fault:
            return Status.PROCESSING_FAILURE, str(fault), None
        return Status.SUCCESS, "", commitment

    def _report_here(self, request: Request, commitment: Commitment) -> None:
        """Report on this association if that can be; else the sender may begin at once."""
        try:
            with self._storage() as storage:
                report = self._found_out(request, storage, commitment)
                if report is not None and _told(request, report):
                    reported(storage, commitment, report)
                    return
                with storage.transaction():
                    storage.commitments.put_off(commitment.id, now(), attempts=0)
        except (IndexUnavailableError, OSError) as fault:
            log.warning("%s is reported to later: %s", request.caller, fault)

    def _found_out(self, request: Request, storage: Storage, commitment: Commitment) -> Report | None:
        """What to report; None when the caller has something else in mind, or it takes too long."""
        began = time.monotonic()
        while (waited := time.monotonic() - began) < STAYS and not request.way.wanted:
            time.sleep(_LOOK)
            if waited >= MANNERS and (commitment.duplicate or self._evidence.is_in(commitment)):
                return self._evidence.report(storage, commitment)
        return None

    def answer_report(self, request: Request) -> None:
        """N-EVENT-REPORT: success means that it is written down."""
        status, reason = self._heard(request)
        if reason:
            log.warning("%s: a report of what it keeps was refused (0x%04X): %s", request.caller, status, reason)
        _respond(request, status, reason)

    def _heard(self, request: Request) -> tuple[Status, str]:
        try:
            data = data_set(request.data, request.context.transfer_syntax)
            report = read_report(data, request.command.kind)
            with self._storage() as storage:
                known = proofs.answer(storage, report)
        except ValueError as fault:
            return Status.INVALID_ARGUMENT, str(fault)
        except IndexUnavailableError as fault:
            return Status.PROCESSING_FAILURE, str(fault)
        return (Status.SUCCESS, "") if known else (Status.INVALID_ARGUMENT, "we did not ask by that Transaction UID")


def _told(request: Request, report: Report) -> bool:
    """Whether the caller has heard it, on the association of its question."""
    number = request.command.message_id % 0xFFFF + 1
    data = BytesIO(encoded(report_data(report), request.context.transfer_syntax))
    try:
        request.way.post(request.context.id, command.encode(report_elements(report, number)), data)
        status = request.way.outcome(number)
    except ConnectionError as fault:
        log.info("%s did not wait for the report: %s", request.caller, fault)
        return False
    if status:
        log.warning("%s did not take the report (0x%04X)", request.caller, status)
    return status == Status.SUCCESS


def _respond(request: Request, status: int, reason: str) -> None:
    kind = requests.ACTION_TYPE if request.command.field == command.N_ACTION_RQ else requests.EVENT_TYPE
    also: dict[int, command.Element] = {requests.SOP_INSTANCE: SOP_INSTANCE, kind: request.command.kind}
    request.respond(status, comment=reason, also=also)


def report_elements(report: Report, number: int) -> dict[int, int | str]:
    """The command set of an N-EVENT-REPORT-RQ (PS3.7 10.3.1.1), as message `number`."""
    return {
        0x0002: SOP_CLASS,
        0x0100: command.N_EVENT_REPORT_RQ,
        0x0110: number,
        0x0800: 0x0001,
        0x1000: SOP_INSTANCE,
        0x1002: report.event_type,
    }


def encoded(data: Dataset, transfer_syntax: str) -> bytes:
    """A data set of ours as a message has it."""
    implicit, little = transfer_syntax == "1.2.840.10008.1.2", transfer_syntax != "1.2.840.10008.1.2.2"
    done = encode(data, implicit, little)
    assert done is not None, "a data set of our own making"
    return done
