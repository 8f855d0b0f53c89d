"""What is read and written by DIMSE is noted for the audit, as by DICOMweb: each query, retrieval, report, question.

It is noted once it is over, a peer that hung up in the middle included: only then is known how many it was given. Of
what is stored there is a note an association, not one an image, which would cost those that wait to be taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.access.journal import OK, Journal
from appliance.dimse.caller import Caller
from appliance.dimse.request import Request
from appliance.dimse.status import Status

if TYPE_CHECKING:
    from appliance.dimse.arrival import Tally

_ANSWERED = frozenset((Status.SUCCESS, Status.PENDING, Status.CANCELLED, Status.SOME_FAILED, Status.LEFT_OUT))


def note(
    journal: Journal | None, request: Request, action: str, what: str, status: int, *, study: str = "", items: int = 1
) -> None:
    """Who did `what`, such as C-MOVE to CLINIC-B, and what came of it; never waits."""
    if journal is not None:
        outcome = OK if status in _ANSWERED else f"{status:04X}"
        address = request.caller.address
        journal.note(who(request.caller), action, what, address=address, study=study, outcome=outcome, items=items)


def note_stores(journal: Journal | None, caller: Caller, tally: Tally) -> None:
    """Who stored how many over an association that is over; what was refused is apart, under its last status."""
    if journal is None:
        return
    if tally.stored:
        journal.note(who(caller), "store", "C-STORE", address=caller.address, study=tally.study, items=tally.stored)
    if tally.refused:
        outcome = f"{tally.refusal:04X}"
        journal.note(who(caller), "store", "C-STORE", address=caller.address, outcome=outcome, items=0)


def who(caller: Caller) -> str:
    """The peer, if we know it, and its AE title."""
    title = f"AE {caller.title}" if caller.title else "a caller without AE title"
    return f"peer {caller.peer}, {title}" if caller.peer else title
