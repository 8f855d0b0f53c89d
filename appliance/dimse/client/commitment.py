"""Storage commitment with us as the caller (PS3.4 annex J): ask a peer what it keeps, and tell one what we keep.

```
ask:  N-ACTION -> success -> listen: N-EVENT-REPORT on this association? -> hear it, answer
                             '-> it reports on an association of its own, to our receiver
tell: N-EVENT-REPORT, in the role of the SCP -> success
```
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from io import BytesIO

from appliance.commitment import words
from appliance.commitment.messages import (
    REQUEST,
    SOP_CLASS,
    SOP_INSTANCE,
    Question,
    Report,
    question_data,
    read_report,
    report_data,
)
from appliance.dimse import command
from appliance.dimse.client.association import Association, DataSet, Limits, comment, number_of, status
from appliance.dimse.client.conversation import Conversation, Heard
from appliance.dimse.client.ourselves import Ourselves
from appliance.dimse.client.pdu import Context
from appliance.dimse.commitment import Status, encoded
from appliance.dimse.received import data_set
from appliance.errors import IndexUnavailableError
from appliance.peers.faults import Fault, PeerError
from appliance.storage.rows import Peer

STAY = 10.0
"""Seconds for which we listen whether the peer reports on the association of the question."""
_SYNTAXES = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2")
_CONTEXT = Context(SOP_CLASS, _SYNTAXES)
_SLICE = 0.25


def ask(
    peer: Peer,
    question: Question,
    hear: Callable[[Report], bool],
    settled: Callable[[], bool],
    *,
    ourselves: Ourselves,
    stay: float = STAY,
    limits: Limits | None = None,
) -> bool:
    """As `commitment.prover.Ask` says."""
    with Conversation(peer, ourselves, [_CONTEXT], limits) as conversation:
        found = _context(conversation)
        if found is None:
            return False
        context, syntax = found
        elements: dict[int, int | str] = {0x0003: SOP_CLASS, 0x1001: SOP_INSTANCE, 0x1008: REQUEST}
        number = conversation.begin(context, command.N_ACTION_RQ, elements, encoded(question_data(question), syntax))
        while not _is_answer(heard := conversation.hear_next(), number):
            # A peer that is quick reports before it has answered.
            _take(conversation, heard, hear)
        if code := status(heard.command):
            raise PeerError(Fault.FAILED, words.refused(peer.name, code, comment(heard.command)))
        _listen(conversation, hear, settled, stay)
    return True


def tell(peer: Peer, called: str, report: Report, *, ourselves: Ourselves, limits: Limits | None = None) -> None:
    """Report to a peer that asked what we keep. Raises `PeerError` until it has taken it.

    `called` is the AE title by which it called us: it knows us by no other.
    """
    contexts = [replace(_CONTEXT, serves=True)]
    with Association(peer, replace(ourselves, title=called), contexts, limits) as association:
        found = _context(association)
        if found is None:
            raise PeerError(Fault.UNSUPPORTED, words.report_not_offered(peer.name))
        context, syntax = found
        data = encoded(report_data(report), syntax)
        elements: dict[int, int | str] = {0x0002: SOP_CLASS, 0x1000: SOP_INSTANCE, 0x1002: report.event_type}
        answer = association.ask(context, command.N_EVENT_REPORT_RQ, elements, DataSet(BytesIO(data), len(data)))
        if code := status(answer):
            raise PeerError(Fault.FAILED, words.report_refused(peer.name, code))


def _context(association: Association) -> tuple[int, str] | None:
    """The accepted context and its transfer syntax."""
    return next(((context, syntax) for (_, syntax), context in association.accepted.items()), None)


def _listen(
    conversation: Conversation, hear: Callable[[Report], bool], settled: Callable[[], bool], stay: float
) -> None:
    """Until it is settled, the peer hangs up, or `stay` seconds are over; the question stands in any case."""
    end = time.monotonic() + stay
    with suppress(PeerError):
        while time.monotonic() < end and not settled():
            if conversation.comes(_SLICE):
                _take(conversation, conversation.hear_next(), hear)


def _is_answer(heard: Heard, number: int) -> bool:
    return (
        number_of(heard.command, 0x0100) == command.N_ACTION_RQ | 0x8000 and number_of(heard.command, 0x0120) == number
    )


def _take(conversation: Conversation, heard: Heard, hear: Callable[[Report], bool]) -> None:
    code = _heard(heard, conversation.syntax_of(heard.context)[1], hear)
    conversation.answer(heard, {0x0002: SOP_CLASS, 0x0900: code, 0x1000: SOP_INSTANCE})


def _heard(heard: Heard, syntax: str, hear: Callable[[Report], bool]) -> Status:
    if number_of(heard.command, 0x0100) != command.N_EVENT_REPORT_RQ:
        return Status.UNRECOGNIZED_OPERATION
    try:
        report = read_report(data_set(heard.data, syntax), number_of(heard.command, 0x1002))
        return Status.SUCCESS if hear(report) else Status.INVALID_ARGUMENT
    except ValueError:
        return Status.INVALID_ARGUMENT
    except IndexUnavailableError:
        return Status.PROCESSING_FAILURE
