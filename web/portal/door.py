"""The link itself: the PIN goes in, a session comes out. Looking at it (GET, HEAD) changes nothing."""

from __future__ import annotations

from aiohttp import web

from appliance.shares.sharing import Refusal, ShareRefusedError, Status
from appliance.storage.rows import Share
from web import forms, guards
from web.guards import SESSIONS
from web.keys import BOX, THREADS, VIEWER
from web.portal import albums, images
from web.portal.pages import PAGES
from web.threads import Threads

PINS = web.AppKey("pins", Threads)
"""Threads apart: checking PINs is slow on purpose, and pictures need not wait for it."""

_LONGEST_PIN = 32


async def start(request: web.Request) -> web.Response:
    """GET /: nothing without a link."""
    return request.app[PAGES].page(request, "start")


async def show(request: web.Request) -> web.StreamResponse:
    """GET /s/{code}: the images for who is in, else the page that asks for the PIN."""
    try:
        visit = await guards.visit(request)
    except ShareRefusedError as fault:
        if fault.refusal is not Refusal.NO_SESSION:
            raise
        return await _ask(request)
    album = await albums.whole(request, visit)
    values = images.values(album, visit.share, guards.link(request), full=request.app[VIEWER] is not None)
    return request.app[PAGES].page(request, "images", values=values)


async def _ask(request: web.Request) -> web.Response:
    box, code = request.app[BOX], request.match_info["code"]

    def look_up() -> Share:
        share = box.sharing.look_up(code)
        if box.sharing.status(share) is Status.LOCKED:
            raise ShareRefusedError(Refusal.LOCKED)
        return share

    share = await request.app[THREADS].run(look_up)
    return request.app[PAGES].pin(request, needed=bool(share.pin_hash))


async def unlock(request: web.Request) -> web.StreamResponse:
    """POST /s/{code}: the only way in, for a person who presses the button."""
    guards.check_origin(request)
    guards.check_pace(request)
    pin = (await forms.fields(request)).get("pin", "")[:_LONGEST_PIN]
    box, code, address = request.app[BOX], request.match_info["code"], guards.address(request)
    share = await request.app[PINS].run(lambda: box.sharing.unlock(code, pin, address))
    response = web.HTTPSeeOther(guards.link(request))
    request.app[SESSIONS].open(response, guards.link(request), share)
    raise response


async def alive(request: web.Request) -> web.StreamResponse:
    """GET /s/{code}/alive: whether the session still counts, for a page that has its pictures in memory."""
    await guards.visit(request)
    return web.Response(status=204)


async def leave(request: web.Request) -> web.StreamResponse:
    """POST /s/{code}/leave: close the images on this phone."""
    guards.check_origin(request)
    response = web.HTTPSeeOther(guards.link(request))
    request.app[SESSIONS].close(request, response, guards.link(request))
    raise response


async def tidy(request: web.Request) -> web.StreamResponse:
    """GET /s/{code}/: as some messengers write it."""
    raise web.HTTPPermanentRedirect(guards.link(request))
