"""Every request of DICOMweb is noted for the audit, at the moment its answer begins, or when nobody waits for one."""

from __future__ import annotations

from collections import Counter

from aiohttp import web

from appliance.access.journal import OK, Journal
from web import guards
from web.dicomweb.asked import ABOUT, ASKED, ITEMS, STORED, STUDY, About

JOURNAL = web.AppKey("journal", Journal)


async def noted(request: web.Request, response: web.StreamResponse) -> None:
    """The signal: who, what, of which study, how many; refusals too, beside what was taken in before."""
    about = request.get(ABOUT)
    if about is None:
        return
    refused, any_stored = response.status >= 400, stored(request)
    if refused or not any_stored:
        asked = request.get(ASKED)
        study = request.get(STUDY) or (asked.study if asked else "")
        outcome = str(response.status) if refused else OK
        _note(request, about, study, outcome, 0 if refused else request.get(ITEMS, 1))


def stored(request: web.Request) -> bool:
    """Note what was taken in, a note for each study, if there is any: by itself where nobody waits for an answer."""
    counted = +request.get(STORED, Counter[str]())
    for uid, items in counted.items():
        _note(request, request[ABOUT], uid, OK, items)
    return bool(counted)


def _note(request: web.Request, about: About, study: str, outcome: str, items: int) -> None:
    asked = request.get(ASKED)
    request.app[JOURNAL].note(
        asked.grant.scope.who if asked else "unknown",
        about.permission,
        about.resource,
        address=guards.address(request),
        study=study,
        outcome=outcome,
        items=items,
    )
