"""Who asks: a patient's session, resolved once into what it may see; and the fences before it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from appliance.shares.sharing import Refusal, ShareRefusedError
from appliance.storage.rows import Share
from web.forwarded import seen
from web.keys import BOX, THREADS
from web.limiter import Limiter
from web.sessions import Sessions

SESSIONS = web.AppKey("sessions", Sessions)
LIMITER = web.AppKey("limiter", Limiter)
"""Of an address at a link."""
ALL_PINS = web.AppKey("all_pins", Limiter)
"""Of everyone together."""


CHALLENGE = 'Bearer realm="pacsbox"'
"""What the clinic door asks programs for (RFC 6750)."""


@dataclass(frozen=True)
class Visit:
    """A patient who is in."""

    share: Share
    session: str
    address: str


def link(request: web.Request) -> str:
    """The path of the share that the request is about, as the browser sees it: `/s/<code>`, below a proxy's prefix."""
    return f"{prefix(request)}/s/{request.match_info['code']}"


async def visit(request: web.Request) -> Visit:
    """The visit that the request belongs to, by its cookie and the share's row as it is now.

    Raises `ShareRefusedError`.
    """
    session = request.app[SESSIONS].read(request)
    if session is None:
        raise ShareRefusedError(Refusal.NO_SESSION)
    sharing, code = request.app[BOX], request.match_info["code"]
    share = await request.app[THREADS].run(lambda: sharing.sharing.session(code, session.share_id, session.epoch))
    return Visit(share, session.id, address(request))


def address(request: web.Request) -> str:
    """Who asks, for the logs."""
    return seen(request).address


def prefix(request: web.Request) -> str:
    """Under which path a proxy of ours shows this door (X-Forwarded-Prefix); empty when it is at the root."""
    return seen(request).prefix


def is_secure(request: web.Request) -> bool:
    """Whether the browser came by https: to us, or to a proxy of ours that says so."""
    return seen(request).scheme == "https"


def check_origin(request: web.Request) -> None:
    """Refuse a form that another site's page has sent. Raises `web.HTTPForbidden`."""
    if not _same_origin(request):
        raise web.HTTPForbidden


def _same_origin(request: web.Request) -> bool:
    """By Sec-Fetch-Site; for older browsers by Origin, which our own referrer policy turns into `null`."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin", "null")
    ours = {seen(request).host, urlsplit(request.app[BOX].config.public_url).netloc.lower()} - {""}
    return origin == "null" or urlsplit(origin).netloc.lower() in ours


def check_same_origin(request: web.Request) -> None:
    """Refuse what a page has sent that is not one of this door's: with a staff session nothing less will do.

    Browsers say it by Sec-Fetch-Site, by plain http only by Origin. Raises `web.HTTPForbidden`.
    """
    site = request.headers.get("Sec-Fetch-Site")
    host, origin = seen(request).host, urlsplit(request.headers.get("Origin", ""))
    ours = site == "same-origin" if site is not None else bool(host) and origin.netloc.lower() == host
    if not ours:
        raise web.HTTPForbidden(reason="This must come from a page of this box")


def check_pace(request: web.Request) -> None:
    """Refuse who tries PINs faster than people can. Raises `web.HTTPTooManyRequests`.

    For each link by itself: behind a proxy's one address, who guesses at his link must not keep others from theirs.
    """
    if request.app[LIMITER].wait(address(request), request.match_info["code"]) or request.app[ALL_PINS].wait(""):
        raise web.HTTPTooManyRequests
