"""A structured report as a page for its patient."""

from __future__ import annotations

from aiohttp import web

from appliance.shares.album import Album, Item, Kind, Stack
from web import guards
from web.keys import BOX, RENDERER, THREADS
from web.portal import albums, texts
from web.report.page import POLICY, Link
from web.report.writing import HTML, linked, written

_PAGE = f"{POLICY}; frame-ancestors 'none'"
_PICTURES = (Kind.PICTURES, Kind.CLIP)


async def report(request: web.Request) -> web.Response:
    """GET /s/{code}/i/{name}/report"""
    visit = await guards.visit(request)
    found = await albums.find(request, visit)
    if found.stack.kind is not Kind.REPORT:
        raise LookupError("this is no report")
    album, path, box = await albums.whole(request, visit), guards.link(request), request.app[BOX]

    def read() -> tuple[bytes, dict[str, Link]]:
        (metadata,) = box.storage.studies.metadata_of([found.item.instance.sop_instance_uid]) or (b"{}",)
        return metadata, _links(album, metadata, path)

    metadata, links = await request.app[THREADS].run(read)
    await albums.note(request, visit, "document", f"series {found.stack.number}")
    body = await request.app[RENDERER].run(written, metadata, HTML, links)
    headers = {"Content-Type": f"{HTML}; charset=utf-8", "Content-Security-Policy": _PAGE}
    return web.Response(body=body, headers=headers)


def _links(album: Album, metadata: bytes, path: str) -> dict[str, Link]:
    """Where the pictures of the study are that a report may speak of."""
    shown = {
        item.instance.sop_instance_uid: (stack, place, item)
        for stack in album.stacks
        if stack.kind in _PICTURES
        for place, item in enumerate(stack.items, 1)
    }
    pictures = (item.instance for _, _, item in shown.values())
    return linked(metadata, pictures, lambda one: _link(path, *shown[one.sop_instance_uid]))


def _link(path: str, stack: Stack, place: int, item: Item) -> Link:
    url = f"{path}/i/{item.name}"
    title = f"{texts.stack_title(stack)}, {texts.FOR_SCRIPT['picture'].format(place, len(stack.items))}"
    return Link(f"{url}/1.jpg", f"{url}/small.jpg", title)
