"""Whose session a request of the clinic door comes with, and what it may do by it."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from appliance.access.scope import Scope
from appliance.access.staff import LoginRefusedError
from appliance.storage.rows import Person
from web import guards
from web.keys import BOX, THREADS
from web.staff.sessions import Sessions

SESSIONS = web.AppKey("staff_sessions", Sessions)
_READING = ("GET", "HEAD", "OPTIONS")


async def entered(request: web.Request) -> tuple[Scope, Callable[[], object]] | None:
    """What the staff session that came with the request may do, and what tells in a thread whether it still may.

    None without a session that counts. Raises `web.HTTPForbidden` when another site's page would change something.
    """
    sessions, text = request.app[SESSIONS], cookie(request)
    if not text or not _is_ours(request):
        return None
    session = sessions.seen(text)
    if session is None:
        return None
    if request.method not in _READING:
        guards.check_same_origin(request)
    box = request.app[BOX]

    def ask() -> Scope:
        if not sessions.is_open(text):
            raise LoginRefusedError("The session is over: please log in again.")
        return box.staff.scope(session.person_id, session.epoch)

    try:
        return await request.app[THREADS].run(ask), ask
    except LoginRefusedError:
        sessions.close(text)
        return None


def let_in(request: web.Request, response: web.StreamResponse, person: Person) -> None:
    """Give the browser a session of its own; one that it came with ends."""
    request.app[SESSIONS].close(cookie(request))
    secure = guards.is_secure(request)
    # Strict: no other site's page gets anything with it. The whole door is one path for it.
    response.set_cookie(
        _name(request), request.app[SESSIONS].open(person), path="/", httponly=True, secure=secure, samesite="Strict"
    )


def let_out(request: web.Request, response: web.StreamResponse) -> None:
    """End the session that came with the request, and have the browser forget it."""
    request.app[SESSIONS].close(cookie(request))
    secure = guards.is_secure(request)
    response.del_cookie(_name(request), path="/", httponly=True, secure=secure, samesite="Strict")


def cookie(request: web.Request) -> str:
    """What the browser holds; empty when nothing."""
    return request.cookies.get(_name(request), "")


def _name(request: web.Request) -> str:
    """The prefix makes browsers insist on https, and on this very host (RFC 6265bis 4.1.3.2)."""
    return "__Host-staff" if guards.is_secure(request) else "staff"


def _is_ours(request: web.Request) -> bool:
    """Whether one of our pages, or a person, asks; a page at another port of this host gets the cookie sent, too.

    Known where browsers say so, which is by https and on this machine (Fetch Metadata).
    """
    beside = request.headers.get("Sec-Fetch-Site", "") in ("cross-site", "same-site")
    return not beside or request.headers.get("Sec-Fetch-Mode") == "navigate"
