"""C-FIND, whatever is looked for: answers go out as the index gives them, until there are no more or the peer cancels.

```
identifier -> Question -> pending, pending ... -> success | cancelled | a failure that says why
```
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from appliance.access.journal import Journal
from appliance.archive.looking import TooBroadError
from appliance.dicom.repertoire import repertoire
from appliance.dimse import identifier
from appliance.dimse.audited import note
from appliance.dimse.identifier import Identifier
from appliance.dimse.request import Answerer, Request
from appliance.dimse.status import Status
from appliance.errors import IndexUnavailableError
from appliance.storage.contract import Storage

log = logging.getLogger(__name__)

Opening = Callable[[], AbstractContextManager[Storage]]
"""Opens the index for the thread that asks, and closes it at the end of the block."""


@dataclass(frozen=True)
class Question:
    """A C-FIND that was understood."""

    what: str
    """What it asks for, in a word for log and audit."""
    study: str
    """The only study that it can find; empty when there may be others."""
    complete: bool
    """Whether all keys are supported; else each answer says that some are not."""
    answers: Callable[[Storage], Iterator[bytes]]
    """The identifiers of the responses. Raises `IndexUnavailableError`, `TooBroadError`."""


Understand = Callable[[Request, Identifier], Question]
"""Raises ValueError with a sentence for what can't be right, `MismatchError` for what the SOP class doesn't have."""


class MismatchError(ValueError):
    """The identifier does not match the SOP class."""


@dataclass
class _Tally:
    """How far an answer has come."""

    status: int = Status.PENDING
    count: int = 0


def answerer(
    right: str, understand: Understand, storage: Opening, character_set: Callable[[], str], journal: Journal | None
) -> Answerer:
    """What answers; `character_set` is that of answers when the caller names none."""

    def answer(request: Request) -> None:
        try:
            question = understand(request, _asked(request, character_set()))
        except ValueError as fault:
            status = Status.DOES_NOT_MATCH_SOP_CLASS if isinstance(fault, MismatchError) else Status.CANNOT_UNDERSTAND
            # Behind this there is what the peer sent, which may be of a patient.
            request.respond(status, comment=str(fault).partition(", got")[0])
            note(journal, request, right, "C-FIND", status, items=0)
            return
        tally = _Tally()
        try:
            _stream(request, question, storage, tally)
        finally:
            what = f"C-FIND {question.what}"
            note(journal, request, right, what, tally.status, study=question.study, items=tally.count)
            log.info("%s asked for %s: %d answers (0x%04X)", request.caller, what, tally.count, tally.status)

    return answer


def _asked(request: Request, character_set: str) -> Identifier:
    asked = identifier.read(request.data, request.context.transfer_syntax)
    if asked.characters.name:
        return asked
    return replace(asked, characters=repertoire(character_set.encode("ascii")))


def _stream(request: Request, question: Question, storage: Opening, tally: _Tally) -> None:
    pending = Status.PENDING if question.complete else Status.PENDING_WITHOUT_SOME_KEYS
    comment = ""
    try:
        with storage() as index:
            for found in question.answers(index):
                if request.cancelled:
                    tally.status = Status.CANCELLED
                    break
                request.respond(pending, found)
                tally.count += 1
            else:
                tally.status = Status.SUCCESS
    except IndexUnavailableError:
        tally.status, comment = Status.UNABLE_TO_PROCESS, "the index cannot be read at the moment"
    except TooBroadError:
        tally.status, comment = Status.OUT_OF_RESOURCES, "too many instances to look into: add PatientID or StudyDate"
    request.respond(tally.status, comment=comment)
