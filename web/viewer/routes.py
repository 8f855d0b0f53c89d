"""Where the full viewer is opened: by staff with the list of studies, by a patient with the one study of a share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web
from yarl import URL

from appliance.full_viewer import Viewer
from web import guards, templates
from web.viewer import files, settings
from web.viewer.files import POLICY, ROOT, Files
from web.viewer.settings import Place

_SETTINGS = "/settings.js"
_STUDY = "StudyInstanceUIDs"
_PAGES = templates.of_package("web.viewer")
_NOT_HERE = (
    "The full viewer is not installed on this box. Whoever looks after it can install it: run make viewer, then"
    " restart pacsbox web.\n"
)

Guard = Callable[[web.Request], Awaitable[object]]


def add_files(app: web.Application, viewer: Viewer) -> Files:
    """Serve the viewer's files; they hold nothing of patients and are the same for all."""
    served = Files(viewer)
    app.router.add_get(ROOT + "/{digest:[0-9a-f]{12}}/{name:.+}", served.serve)
    app.on_response_prepare.append(files.unkept)
    return served


def add_clinic(app: web.Application, viewer: Viewer | None, dicomweb: str, guard: Guard) -> None:
    """`/ohif/` with the list of studies, for whom `guard` lets in; without a viewer, a sentence that says so."""
    if viewer is None:
        app.router.add_get(ROOT, _missing)
        app.router.add_get(ROOT + "/", _missing)
        return
    shell = _Shell(viewer, add_files(app, viewer))

    def place(request: web.Request) -> Place:
        outside = guards.prefix(request)
        return Place(outside + shell.files.folder, outside + ROOT, outside + dicomweb, outside + ROOT + _SETTINGS, True)

    async def show(request: web.Request) -> web.Response:
        await guard(request)
        return shell.page(place(request), "Images")

    async def tell(request: web.Request) -> web.Response:
        await guard(request)
        return _script(place(request))

    app.router.add_get(ROOT, _with_slash)
    app.router.add_get(ROOT + _SETTINGS, tell)
    app.router.add_get(ROOT + "/{page:.*}", show)


def add_patient(app: web.Application, viewer: Viewer | None, link: str, dicomweb: str) -> None:
    """`/s/{code}/viewer`, opened on the share's study, for who has given the PIN; nothing without a viewer."""
    if viewer is None:
        return
    shell = _Shell(viewer, add_files(app, viewer))

    def place(request: web.Request) -> Place:
        outside = guards.prefix(request)
        here = guards.link(request)
        return Place(outside + shell.files.folder, here, here + dicomweb, here + "/viewer" + _SETTINGS, False)

    async def show(request: web.Request) -> web.StreamResponse:
        """GET /s/{code}/viewer: the viewer reads from its own address which study it shows."""
        visit = await guards.visit(request)
        asked, study = request.query.getall(_STUDY, []), visit.share.study_instance_uid
        if asked != [study]:
            raise web.HTTPSeeOther(URL(place(request).pages + "/viewer").with_query({_STUDY: study}))
        return shell.page(place(request), "Your images")

    async def tell(request: web.Request) -> web.Response:
        await guards.visit(request)
        return _script(place(request))

    app.on_response_prepare.append(files.framed)
    app.router.add_get(link + "/viewer", show)
    app.router.add_get(link + "/viewer" + _SETTINGS, tell)


class _Shell:
    """The one page that the viewer's scripts live in."""

    def __init__(self, viewer: Viewer, served: Files) -> None:
        self._viewer = viewer
        self._template = _PAGES.get_template("shell.html")
        self.files = served

    def page(self, place: Place, title: str) -> web.Response:
        """The page, with addresses as the browser sees them."""
        text = self._template.render(
            title=title,
            files=place.files,
            script=self._viewer.script,
            early=self._viewer.early,
            style=self._viewer.style,
            settings=place.settings,
        )
        return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": POLICY})


def _script(place: Place) -> web.Response:
    return web.Response(body=settings.script(place), content_type="text/javascript", charset="utf-8")


async def _with_slash(request: web.Request) -> web.StreamResponse:
    raise web.HTTPPermanentRedirect(guards.prefix(request) + ROOT + "/")


async def _missing(_request: web.Request) -> web.StreamResponse:
    return web.Response(status=404, text=_NOT_HERE)
