"""Every request of DICOMweb is noted for the audit, at the moment its answer begins."""

from __future__ import annotations

from aiohttp import web

from appliance.access.journal import OK, Journal
from web import guards
from web.dicomweb.asked import ABOUT, ASKED, ITEMS, ITEMS_OF, STUDY

JOURNAL = web.AppKey("journal", Journal)


async def noted(request: web.Request, response: web.StreamResponse) -> None:
    """The signal: who, what, of which study, how many; refusals too. A note for each study that it is about."""
    about = request.get(ABOUT)
    if about is None:
        return
    asked = request.get(ASKED)
    study = request.get(STUDY) or (asked.study if asked else "")
    for uid, items in (request.get(ITEMS_OF) or {study: request.get(ITEMS, 1)}).items():
        request.app[JOURNAL].note(
            asked.grant.scope.who if asked else "unknown",
            about.permission,
            about.resource,
            address=guards.address(request),
            study=uid,
            outcome=OK if response.status < 400 else str(response.status),
            items=items if response.status < 400 else 0,
        )
