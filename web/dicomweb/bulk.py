"""All bulk data of a study, a series or an instance at once, or their pixel data alone (PS3.18 10.4.1.1.5, .6)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from appliance.dicom.bulkdata import value
from appliance.dicom.media_types import OCTETS
from appliance.dicom.model import Instance
from appliance.dicom.source import NothingToShowError
from web import archived
from web.dicomweb import frames
from web.dicomweb.accept import MULTIPART, MediaRange, accepted, not_acceptable
from web.dicomweb.asked import ASKED
from web.dicomweb.found import found
from web.dicomweb.multipart import Multipart
from web.dicomweb.watched import watched
from web.keys import BOX, THREADS
from web.streaming import pour

_PIXELS = frozenset(("7FE00008", "7FE00009", "7FE00010"))


async def bulkdata(request: web.Request) -> web.StreamResponse:
    """GET .../bulkdata: every value that the metadata name by a BulkDataURI, a part each; of films, each frame."""
    return await _all(request, pixels_alone=False)


async def pixeldata(request: web.Request) -> web.StreamResponse:
    """GET .../pixeldata"""
    return await _all(request, pixels_alone=True)


async def _all(request: web.Request, *, pixels_alone: bool) -> web.StreamResponse:
    ranges = [each for each in accepted(request) if each.multipart or each.media_type == "*/*"]
    if not ranges:
        raise not_acceptable((f'{MULTIPART}; type="{OCTETS}"',))
    whole = Multipart(OCTETS)
    chunks = _body(request, await found(request), ranges, whole, pixels_alone)
    first = await anext(chunks, None)
    if first is None:
        raise LookupError("There are no bulk data in this.")

    async def body() -> AsyncIterator[bytes]:
        yield first
        async for chunk in chunks:
            yield chunk
        yield whole.end

    response = web.StreamResponse(headers={"Content-Type": whole.content_type, "Vary": "Accept"})
    return await pour(request, response, watched(request, body()))


async def _body(
    request: web.Request, instances: Sequence[Instance], ranges: Sequence[MediaRange], whole: Multipart, alone: bool
) -> AsyncIterator[bytes]:
    """The parts; what cannot be had in the form asked for is passed over."""
    begun = False
    for instance in instances:
        path = await request.app[THREADS].run(archived.whole, request.app[BOX].blobs, instance)
        for element in await request.app[THREADS].run(_elements, request, instance):
            if alone and element not in _PIXELS:
                continue
            try:
                async for kind, where, chunk in _parts(request, path, element, ranges):
                    head = whole.head(kind, _url(request, instance, where), first=not begun) if where else b""
                    begun = True
                    yield head + chunk
            except (LookupError, NothingToShowError, web.HTTPNotAcceptable):
                continue


async def _parts(
    request: web.Request, path: Path, element: str, ranges: Sequence[MediaRange]
) -> AsyncIterator[tuple[str, str, bytes]]:
    """Content-Type, place below the instance and bytes; no place for bytes that go on."""
    if element in _PIXELS:
        of = await request.app[THREADS].run(frames.located_in, path)
        if of.encapsulated:
            form = frames.chosen(of, ranges, single=False)
            for number in range(1, of.count + 1):
                yield form.content_type, f"frames/{number}", await frames.made(request, of, form, number)
            return
    where = f"bulkdata/{element}"
    async for chunk in request.app[THREADS].each((await request.app[THREADS].run(value, path, element)).chunks()):
        yield OCTETS, where, chunk
        where = ""


def _elements(request: web.Request, instance: Instance) -> list[str]:
    """Where its bulk data are, by its metadata."""
    (metadata,) = request.app[BOX].storage.studies.metadata_of([instance.sop_instance_uid]) or (b"{}",)
    return list(_walked(orjson.loads(metadata)))


def _walked(model: dict[str, Any]) -> Iterator[str]:
    for member in model.values():
        if "BulkDataURI" in member:
            yield member["BulkDataURI"].partition("/bulkdata/")[2]
        elif member["vr"] == "SQ":
            for item in member.get("Value", ()):
                yield from _walked(item or {})


def _url(request: web.Request, of: Instance, where: str) -> str:
    uids = f"studies/{of.study_instance_uid}/series/{of.series_instance_uid}/instances/{of.sop_instance_uid}"
    return f"{request[ASKED].root}/{uids}/{where}"
