"""Every query, retrieval and report by DIMSE is noted for the audit, as those of DICOMweb are.

It is noted once it is over, a peer that hung up in the middle included: only then is known how many it was given.
"""

from __future__ import annotations

from appliance.access.journal import OK, Journal
from appliance.dimse.caller import Caller
from appliance.dimse.request import Request
from appliance.dimse.status import Status

_ANSWERED = frozenset((Status.SUCCESS, Status.PENDING, Status.CANCELLED, Status.SOME_FAILED, Status.LEFT_OUT))


def note(
    journal: Journal | None, request: Request, action: str, what: str, status: int, *, study: str = "", items: int = 1
) -> None:
    """Who did `what`, such as C-MOVE to CLINIC-B, and what came of it; never waits."""
    if journal is not None:
        outcome = OK if status in _ANSWERED else f"{status:04X}"
        address = request.caller.address
        journal.note(who(request.caller), action, what, address=address, study=study, outcome=outcome, items=items)


def who(caller: Caller) -> str:
    """The peer, if we know it, and its AE title."""
    title = f"AE {caller.title}" if caller.title else "a caller without AE title"
    return f"peer {caller.peer}, {title}" if caller.peer else title
