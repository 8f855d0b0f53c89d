"""The two doors: what each of them answers, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from aiohttp import web

from appliance.box import Box
from appliance.full_viewer import Viewer
from web import errors, guards, headers
from web.cache import Cache
from web.dicomweb import access
from web.dicomweb.audited import JOURNAL
from web.dicomweb.routes import add_front, add_routes
from web.keys import BOX, RENDERER, SHIPPERS, THREADS, VIEWER
from web.limiter import Limiter
from web.portal import albums, door, files, noted, pages, pictures, reports, viewing
from web.portal.assets import Assets
from web.rendering import Renderer
from web.sessions import Sessions
from web.staff.pages import Pages
from web.staff.routes import add_staff
from web.threads import Threads
from web.viewer.routes import add_clinic, add_patient

_LINK = "/s/{code:[A-Za-z0-9_-]{22}}"
_ITEM = _LINK + "/i/{name:[0-9a-f]{16}}"
_DICOMWEB = "/dicom-web"
_FRAME = "/{frame:[1-9][0-9]{0,5}}.jpg"

_INDEX_THREADS = 4
_SHIPPING_THREADS = 8
_LARGEST_FORM = 4096
_PICTURE_MEMORY = 48 << 20
_PIN_BURST = 20
_PIN_SECONDS = 3.0
"""One PIN in three seconds for a link, after the first twenty: a family behind one address never notices."""
_ALL_PINS_BURST = 300
_ALL_PINS_SECONDS = 0.1
"""Ten a second in all: more than patients ever type, and what a small processor can check."""


def public_app(box: Box, renderer: Renderer | None = None, viewer: Viewer | None = None) -> web.Application:
    """The patient door: the portal of shares, each share's own DICOMweb, and the full viewer where it is installed.

    It reads its files now: build it before the loop runs.
    """
    assets = Assets()
    looks = pages.Pages(assets)
    app = web.Application(middlewares=[errors.middleware(_worded(looks.notice))], client_max_size=_LARGEST_FORM)
    app[BOX] = box
    app[VIEWER] = viewer
    app[pages.PAGES] = looks
    app[guards.SESSIONS] = _sessions(box)
    app[guards.LIMITER] = Limiter(_PIN_BURST, _PIN_SECONDS)
    app[guards.ALL_PINS] = Limiter(_ALL_PINS_BURST, _ALL_PINS_SECONDS)
    app[albums.ALBUMS] = albums.Albums(box)
    app[noted.NOTED] = noted.Noted()
    app[pictures.PICTURES] = Cache(_PICTURE_MEMORY)
    app.on_response_prepare.append(headers.hardened(box.config.public_url))
    app.cleanup_ctx.extend((_threads, _pin_threads, _journal("patient"), _rendering(renderer)))
    app.add_routes(
        (
            web.get("/", door.start),
            web.get("/robots.txt", robots),
            web.get("/static/{digest}/{name}", assets.serve),
            web.get(_LINK, door.show),
            web.get(_LINK + "/", door.tidy),
            web.post(_LINK, door.unlock),
            web.get(_LINK + "/alive", door.alive),
            web.post(_LINK + "/leave", door.leave),
            web.get(_LINK + "/images.zip", files.download, allow_head=False),
            web.get(_ITEM + _FRAME, pictures.picture, allow_head=False),
            web.get(_ITEM + "/small.jpg", pictures.small, allow_head=False),
            web.get(_ITEM + "/about.json", pictures.about, allow_head=False),
            web.get(_ITEM + "/document", files.document, allow_head=False),
            web.get(_ITEM + "/film", files.film, allow_head=False),
            web.get(_ITEM + "/report", reports.report, allow_head=False),
        )
    )
    add_routes(app, _LINK + _DICOMWEB, viewing.share)
    add_patient(app, viewer, _LINK, _DICOMWEB)
    return app


def _worded(notice: errors.Answer) -> errors.Answer:
    """Pages for people; a plain sentence for the viewer that asks by DICOMweb."""

    def answer(request: web.Request, code: int, fault: Exception) -> web.StreamResponse:
        for_programs = request.path.split("/")[3:4] == [_DICOMWEB[1:]]
        return (errors.plain if for_programs else notice)(request, code, fault)

    return answer


def clinic_app(box: Box, renderer: Renderer | None = None, viewer: Viewer | None = None) -> web.Application:
    """The clinic door: DICOMweb for the LAN, and the full viewer."""
    looks = Pages()
    app = web.Application(middlewares=[errors.middleware(looks.worded)])
    app[BOX] = box
    app[VIEWER] = viewer
    app.on_response_prepare.append(headers.bare)
    app.cleanup_ctx.extend((_threads, _journal("clinic"), _rendering(renderer)))
    add_routes(app, _DICOMWEB, storing=True)
    add_front(app, _DICOMWEB)
    add_staff(app, looks)
    add_clinic(app, viewer, _DICOMWEB, access.clinic)
    return app


async def robots(_request: web.Request) -> web.Response:
    """GET /robots.txt: nothing here is for search engines."""
    return web.Response(text="User-agent: *\nDisallow: /\n")


def _sessions(box: Box) -> Sessions:
    secure = box.config.public_url.startswith("https://")
    return Sessions(box.secret("session.key"), box.config.shares.session_minutes, secure)


CleanUp = Callable[[web.Application], AsyncIterator[None]]


async def _threads(app: web.Application) -> AsyncIterator[None]:
    app[THREADS] = Threads(_INDEX_THREADS, "index", app[BOX].close)
    app[SHIPPERS] = Threads(_SHIPPING_THREADS, "shipping", app[BOX].close)
    yield
    await asyncio.to_thread(app[SHIPPERS].close)
    await asyncio.to_thread(app[THREADS].close)


async def _pin_threads(app: web.Application) -> AsyncIterator[None]:
    app[door.PINS] = Threads(1, "pins", app[BOX].close)
    yield
    await asyncio.to_thread(app[door.PINS].close)


def _journal(door: str) -> CleanUp:
    async def journal(app: web.Application) -> AsyncIterator[None]:
        app[JOURNAL] = app[BOX].journal(door)
        app[JOURNAL].start()
        yield
        await asyncio.to_thread(app[JOURNAL].close)

    return journal


def _rendering(shared: Renderer | None) -> CleanUp:
    async def rendering(app: web.Application) -> AsyncIterator[None]:
        """Workers that both doors share, or of this door alone."""
        app[RENDERER] = shared or Renderer()
        yield
        if shared is None:
            await asyncio.to_thread(app[RENDERER].close)

    return rendering
