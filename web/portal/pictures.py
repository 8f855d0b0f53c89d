"""Pictures of a shared study, rendered for the screen that asks."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

from aiohttp import web

from appliance.archive.previews import EDGE, QUALITY
from appliance.dicom.cine import frame_rate
from appliance.dicom.pixels import Window, presets, render, thumbnail
from appliance.shares.album import Kind
from web import guards
from web.cache import Cache
from web.guards import Visit
from web.keys import BOX, RENDERER, THREADS
from web.portal import albums
from web.portal.albums import Found
from web.portal.noted import NOTED

PICTURES = web.AppKey("pictures", Cache)

_EDGES = (1280, 2560)
"""A phone's screen, and what zooming in shows; few sizes, so that pictures are made once."""
_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")


async def picture(request: web.Request) -> web.Response:
    """GET /s/{code}/i/{name}/{frame}.jpg?edge=1280&window=centre,width,function&save"""
    visit = await guards.visit(request)
    found = await albums.find(request, visit)
    frame, edge, window = int(request.match_info["frame"]), _edge(request), _window(request)
    body = await _made(request, found, render, frame=frame, edge=edge, window=window)
    saving = "save" in request.query
    await _note(request, visit, found, "saved" if saving else "pictures")
    response = web.Response(body=body, content_type="image/jpeg")
    if saving:
        response.headers["Content-Disposition"] = f'attachment; filename="{_file_name(found, frame)}"'
    return response


async def small(request: web.Request) -> web.Response:
    """GET /s/{code}/i/{name}/small.jpg: a thumbnail; the share's log doesn't mention it."""
    visit = await guards.visit(request)
    found = await albums.find(request, visit)
    instance = found.item.instance
    ready = request.app[BOX].previews.get
    body = await request.app[THREADS].run(ready, instance.study_instance_uid, instance.digest)
    if body is None:
        body = await _made(request, found, thumbnail, edge=EDGE, quality=QUALITY)
    return web.Response(body=body, content_type="image/jpeg")


async def about(request: web.Request) -> web.Response:
    """GET /s/{code}/i/{name}/about.json: the windows to offer, and the frames a second of a clip."""
    visit = await guards.visit(request)
    found = await albums.find(request, visit)
    windows = await request.app[RENDERER].run(presets, found.path)
    shown = [
        {"name": name, "value": f"{window.centre:g},{window.width:g},{window.function}"}
        for name, window in windows.items()
        if name != "Default"
    ]
    return web.json_response({"windows": shown, "rate": await _rate(request, found)})


async def _rate(request: web.Request, found: Found) -> float | None:
    if found.stack.kind is not Kind.CLIP:
        return None
    box, instance = request.app[BOX], found.item.instance
    uids = (instance.study_instance_uid, instance.series_instance_uid, instance.sop_instance_uid)
    return await request.app[THREADS].run(lambda: frame_rate(next(iter(box.storage.studies.metadata(*uids)))))


async def _made(request: web.Request, found: Found, how: Callable[..., bytes], **asked: Any) -> bytes:
    """The picture from memory, else from a worker."""
    kept = request.app[PICTURES]
    key = (found.item.instance.digest, how.__name__, *asked.values())
    body = kept.get(key)
    if body is None:
        body = await request.app[RENDERER].run(how, found.path, **asked)
        kept.put(key, body)
    return body


async def _note(request: web.Request, visit: Visit, found: Found, what: str) -> None:
    """One line a series and visit for looking, one a picture for saving."""
    stack = found.stack
    series = f"series {stack.number} ({stack.series.modality})"
    which = found.item.name if what == "saved" or stack.kind is Kind.CLIP else ""
    if what == "saved":
        await albums.note(request, visit, what, f"{series}, image {_place(found)}")
    elif request.app[NOTED].is_new(str(visit.share.id), visit.session, what, str(stack.number), which):
        await albums.note(request, visit, what, series)


def _edge(request: web.Request) -> int:
    edge = int(request.query.get("edge", _EDGES[0]))
    if edge not in _EDGES:
        raise ValueError(f"an edge of {edge} is none of {_EDGES}")
    return edge


def _window(request: web.Request) -> Window | None:
    """Raises ValueError unless it is `centre,width,function`."""
    if "window" not in request.query:
        return None
    centre, width, function = request.query["window"].split(",")
    window = Window(float(centre), float(width), function)
    if not (isfinite(window.centre) and isfinite(window.width) and window.width > 0 and function in _FUNCTIONS):
        raise ValueError("a window has a centre, a width above 0 and a function")
    return window


def _file_name(found: Found, frame: int) -> str:
    return f"image-{found.stack.number}-{frame if found.stack.kind is Kind.CLIP else _place(found)}.jpg"


def _place(found: Found) -> int:
    return found.stack.items.index(found.item) + 1
