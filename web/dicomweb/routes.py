"""The route table of DICOMweb; each route says what one must be allowed to do (PS3.18 10.1)."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler

from appliance.access.scope import Permission
from web.cache import Cache
from web.dicomweb import (
    access,
    audited,
    bulk,
    bulkdata,
    capabilities,
    cors,
    frames,
    metadata,
    moving,
    picture,
    qido,
    rendered,
    retrieve,
    store,
    uri,
)
from web.dicomweb.access import Guard
from web.dicomweb.asked import About, guarded

_STUDY = "/studies/{study}"
_SERIES = _STUDY + "/series/{series}"
_INSTANCE = _SERIES + "/instances/{instance}"

_QUERY, _RETRIEVE = Permission.QUERY, Permission.RETRIEVE

_STORING = About(Permission.STORE, "files")

_RENDERED = "/rendered"
_THUMBNAIL = "/thumbnail"
_FRAMES = _INSTANCE + "/frames/{frames}"

ROUTES: tuple[tuple[str, Permission, Handler], ...] = (
    ("/studies", _QUERY, qido.studies),
    ("/series", _QUERY, qido.series),
    ("/instances", _QUERY, qido.instances),
    (_STUDY + "/series", _QUERY, qido.series),
    (_STUDY + "/instances", _QUERY, qido.instances),
    (_SERIES + "/instances", _QUERY, qido.instances),
    (_STUDY, _RETRIEVE, retrieve.many),
    (_SERIES, _RETRIEVE, retrieve.many),
    (_INSTANCE, _RETRIEVE, retrieve.one),
    (_STUDY + "/metadata", _RETRIEVE, metadata.metadata),
    (_SERIES + "/metadata", _RETRIEVE, metadata.metadata),
    (_INSTANCE + "/metadata", _RETRIEVE, metadata.metadata),
    (_FRAMES, _RETRIEVE, frames.frames),
    (_STUDY + _RENDERED, _RETRIEVE, rendered.many),
    (_SERIES + _RENDERED, _RETRIEVE, rendered.many),
    (_INSTANCE + _RENDERED, _RETRIEVE, rendered.one),
    (_FRAMES + _RENDERED, _RETRIEVE, rendered.one),
    (_STUDY + _THUMBNAIL, _RETRIEVE, rendered.small),
    (_SERIES + _THUMBNAIL, _RETRIEVE, rendered.small),
    (_INSTANCE + _THUMBNAIL, _RETRIEVE, rendered.small),
    (_FRAMES + _THUMBNAIL, _RETRIEVE, rendered.small),
    (_INSTANCE + "/bulkdata/{element:.+}", _RETRIEVE, bulkdata.bulkdata),
    *((path + "/bulkdata", _RETRIEVE, bulk.bulkdata) for path in (_STUDY, _SERIES, _INSTANCE)),
    *((path + "/pixeldata", _RETRIEVE, bulk.pixeldata) for path in (_STUDY, _SERIES, _INSTANCE)),
    ("/wado", _RETRIEVE, uri.wado),
)
STORING = ("/studies", _STUDY)


def add_routes(
    app: web.Application, root: str = "/dicom-web", guard: Guard = access.clinic, *, storing: bool = False
) -> None:
    """Have `app` answer DICOMweb below `root`, to whom `guard` lets in and within the scope that it gives.

    `root` may hold path parameters of the guard's, such as `/s/{code}/dicom-web`; with `storing` instances are taken
    in, too. The application has what `web.keys` names, `audited.JOURNAL`, and `web.errors.middleware`.
    """
    app[picture.RENDERED] = Cache(picture.MEMORY)
    app[moving.FILMS] = asyncio.Semaphore(moving.AT_ONCE)
    app.on_response_prepare.append(audited.noted)
    for path, permission, handler in ROUTES:
        about = About(permission, _resource(path, permission))
        app.router.add_get(root + path, guarded(handler, about, guard, path.count("/")))
    if storing:
        app.on_startup.append(store.sweep)
        for path in STORING:
            app.router.add_post(root + path, guarded(store.store, _STORING, guard, path.count("/")))
    known = ways(storing=storing)
    for path in ("", "/", *known):
        app.router.add_options(root + path, capabilities.answering(known, path))


def add_front(app: web.Application, root: str = "/dicom-web") -> None:
    """What the clinic door has beside: a page for people, and pages of other origins where staff allow them."""
    app.on_response_prepare.append(cors.opened)
    for path in ("", "/"):
        app.router.add_get(root + path, capabilities.page(ways(storing=True)))


def ways(*, storing: bool) -> capabilities.Ways:
    """What can be asked where."""
    known = {path: [("GET", _resource(path, permission))] for path, permission, _ in ROUTES}
    for path in STORING if storing else ():
        known[path].append(("POST", "files"))
    return known


def _resource(path: str, permission: Permission) -> str:
    """What the audit calls it: the last word of the path that is no UID; `files` where that only says which."""
    word = [word for word in path.split("/") if "{" not in word][-1]
    return "files" if permission is _RETRIEVE and word in ("studies", "series", "instances") else word
