"""Bulk data: what the metadata names by a BulkDataURI (PS3.18 10.4.1.1.5)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from aiohttp import web

from appliance.dicom.bulkdata import Value, value
from appliance.dicom.media_types import OCTETS
from web.dicomweb import frames
from web.dicomweb.accept import MULTIPART, accepted, not_acceptable
from web.dicomweb.asked import ASKED
from web.dicomweb.found import seen
from web.dicomweb.multipart import Multipart
from web.dicomweb.tagged import tagged
from web.dicomweb.watched import watched
from web.keys import THREADS
from web.ranges import asked_for, status
from web.streaming import pour

_PIXEL_DATA = "7FE00010"


async def bulkdata(request: web.Request) -> web.StreamResponse:
    """GET /studies/{study}/series/{series}/instances/{instance}/bulkdata/{element}, or a range of it."""
    element = request.match_info["element"]
    instance, path = await seen(request, lambda _, path: path)
    if element.upper() == _PIXEL_DATA:
        of = await request.app[THREADS].run(frames.located_in, path)
        if of.encapsulated:
            return await frames.sent(request, of, range(1, of.count + 1))
    found = await request.app[THREADS].run(value, path, element)
    kinds = (found.media_type, OCTETS)
    for each in accepted(request):
        kind = next((kind for kind in kinds if each.takes(kind)), None)
        if kind is not None and each.multipart:
            return await _part(request, found, kind, tagged(request, [instance], kind, weak=True))
        if kind is not None:
            return await _single(request, found, kind, tagged(request, [instance], kind))
    raise not_acceptable((*dict.fromkeys(kinds), f'{MULTIPART}; type="{OCTETS}"'))


async def _single(request: web.Request, found: Value, kind: str, valid: Mapping[str, str]) -> web.StreamResponse:
    """A whole answer, which may be asked for in parts."""
    start, stop, headers = asked_for(request, found.size, valid)
    response = web.StreamResponse(status=status(headers), headers=headers | {"Content-Type": kind})
    chunks = request.app[THREADS].each(found.chunks(start, stop))
    return await pour(request, response, watched(request, chunks))


async def _part(request: web.Request, found: Value, kind: str, valid: Mapping[str, str]) -> web.StreamResponse:
    """One part of a multipart answer, with the bytes that a range asks for (10.4.1.1.5)."""
    start, stop, headers = asked_for(request, found.size, valid)
    whole = Multipart(kind)
    location = request[ASKED].here

    async def body() -> AsyncIterator[bytes]:
        yield whole.head(kind, location, first=True)
        async for chunk in request.app[THREADS].each(found.chunks(start, stop)):
            yield chunk
        yield whole.end

    headers = {name: text for name, text in headers.items() if name != "Content-Length"}
    headers["Content-Type"] = whole.content_type
    response = web.StreamResponse(status=status(headers), headers=headers)
    return await pour(request, response, watched(request, body()))
