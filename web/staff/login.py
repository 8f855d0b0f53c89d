"""Logging in and out at the clinic door, by a form that works without scripts."""

from __future__ import annotations

import re

from aiohttp import web

from appliance.access.staff import LoginRefusedError, who
from web import forms, guards
from web.dicomweb.audited import JOURNAL
from web.keys import BOX
from web.limiter import Limiter
from web.staff.entrance import let_in, let_out
from web.staff.pages import PAGES
from web.threads import Threads

PASSWORDS = web.AppKey("passwords", Threads)
"""Threads apart: checking passwords is slow on purpose, and images need not wait for it."""
TRIES = web.AppKey("login_tries", Limiter)
"""Of an address."""
NAMES = web.AppKey("login_names", Limiter)
"""Of a name, wherever from."""

_LONGEST = 512
_OUR_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")


async def ask(request: web.Request) -> web.StreamResponse:
    """GET /login: the form."""
    return request.app[PAGES].login(request, "/")


async def log_in(request: web.Request) -> web.StreamResponse:
    """POST /login: the only way in."""
    guards.check_same_origin(request)
    form = await forms.fields(request)
    name, password, onward = (form.get(field, "")[:_LONGEST] for field in ("name", "password", "next"))
    onward = onward if _OUR_PATH.fullmatch(onward) else "/"
    address, tried = guards.address(request), " ".join(name.casefold().split())
    # Taken before the password is looked at, so that parallel guesses gain nothing; given back to who is right.
    if request.app[TRIES].wait(address) or request.app[NAMES].wait("", tried):
        return request.app[PAGES].login(request, onward, 429, "too many")
    box = request.app[BOX]
    try:
        person = await request.app[PASSWORDS].run(lambda: box.staff.log_in(name, password))
    except LoginRefusedError:
        # The name is not noted: people type passwords into the wrong field.
        request.app[JOURNAL].note("unknown", "log in", "clinic door", address=address, outcome="401", items=0)
        return request.app[PAGES].login(request, onward, 401, "wrong")
    request.app[TRIES].give_back(address)
    request.app[NAMES].give_back("", tried)
    request.app[JOURNAL].note(who(person), "log in", "clinic door", address=address)
    response = web.HTTPSeeOther(guards.prefix(request) + onward)
    let_in(request, response, person)
    raise response


async def log_out(request: web.Request) -> web.StreamResponse:
    """POST /logout: close this browser's session."""
    guards.check_same_origin(request)
    response = web.HTTPSeeOther(f"{guards.prefix(request)}/login")
    let_out(request, response)
    raise response
