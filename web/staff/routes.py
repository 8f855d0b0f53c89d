"""What staff can ask for at the clinic door with a browser, and what that needs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from appliance.access.scope import Permission
from web.dicomweb.access import clinic
from web.dicomweb.asked import About, guarded
from web.keys import BOX
from web.limiter import Limiter
from web.staff import login, studies, viewers
from web.staff.entrance import SESSIONS
from web.staff.pages import PAGES, Pages
from web.staff.sessions import Sessions
from web.threads import Threads

_SEARCHING = About(Permission.QUERY, "studies")
_OPENING = About(Permission.RETRIEVE, "viewers")
_ADDRESS_BURST, _ADDRESS_SECONDS = 20, 6.0
"""A ward behind one address never notices: who is right costs nothing."""
_NAME_BURST, _NAME_SECONDS = 10, 30.0
"""Wherever the guesses come from: 3,000 a day at most, against passwords of 12 characters and more."""


def add_staff(app: web.Application, looks: Pages) -> None:
    """Have the clinic door let staff in; what it answers is audited as DICOMweb is, whose routes are there, too."""
    options = app[BOX].config.staff
    app[PAGES] = looks
    app[SESSIONS] = Sessions(options.idle_minutes * 60, options.session_hours * 3600)
    app[login.TRIES] = Limiter(_ADDRESS_BURST, _ADDRESS_SECONDS)
    app[login.NAMES] = Limiter(_NAME_BURST, _NAME_SECONDS)
    app.cleanup_ctx.append(_password_threads)
    app.add_routes(
        (
            web.get("/login", login.ask),
            web.post("/login", login.log_in),
            web.post("/logout", login.log_out),
            web.get("/", guarded(studies.listed, _SEARCHING, clinic, 1)),
            web.post("/", guarded(studies.listed, _SEARCHING, clinic, 1)),
            web.get("/staff/studies/{study}/viewers", guarded(viewers.viewers, _OPENING, clinic, 4)),
            web.get("/staff/style/{digest:[0-9a-f]{12}}.css", app[PAGES].serve_style),
        )
    )


async def _password_threads(app: web.Application) -> AsyncIterator[None]:
    app[login.PASSWORDS] = Threads(1, "passwords", app[BOX].close)
    yield
    await asyncio.to_thread(app[login.PASSWORDS].close)
