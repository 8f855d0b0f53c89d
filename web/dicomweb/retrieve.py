"""WADO-RS: studies, series and instances as DICOM files (PS3.18 10.4)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from itertools import chain, repeat

from aiohttp import web

from appliance.storage.rows import Stored
from web import archived
from web.dicomweb.accept import DICOM, MULTIPART, MediaRange, accepted, not_acceptable
from web.dicomweb.asked import ASKED
from web.dicomweb.delivery import Part, content_type, planned, prepare
from web.dicomweb.found import stored
from web.dicomweb.multipart import Multipart
from web.dicomweb.tagged import tagged
from web.dicomweb.watched import watched
from web.keys import BOX, THREADS
from web.shipping import Piece, ship
from web.streaming import pour

_OFFER = f'{MULTIPART}; type="{DICOM}"'


async def many(request: web.Request) -> web.StreamResponse:
    """GET /studies/{study}[/series/{series}]"""
    ranges = [each for each in accepted(request) if _is_multipart(each)]
    if not ranges:
        raise not_acceptable((_OFFER,))
    return await _multipart(request, ranges)


async def one(request: web.Request) -> web.StreamResponse:
    """GET /studies/{study}/series/{series}/instances/{instance}, in one part or as a file of its own."""
    ranges = [each for each in accepted(request) if each.takes(DICOM)]
    if not ranges:
        raise not_acceptable((_OFFER, DICOM))
    alike = [each for each in ranges if _is_multipart(each) == _is_multipart(ranges[0])]
    return await (_multipart if _is_multipart(ranges[0]) else single)(request, alike)


def _is_multipart(each: MediaRange) -> bool:
    """Whether DICOM files in parts are asked for; they are the default, so `*/*` asks for them (10.4.4)."""
    return each.takes(DICOM) and (each.multipart or each.media_type == "*/*")


async def _multipart(request: web.Request, ranges: Sequence[MediaRange]) -> web.StreamResponse:
    instances = await stored(request)
    parts = planned(instances, [each.transfer_syntax for each in ranges])
    if not parts:
        raise web.HTTPNotAcceptable(reason="Nothing here can be had in the transfer syntaxes asked for")
    names = await request.app[THREADS].run(archived.names, request.app[BOX].blobs, [part.instance for part in parts])
    frame = Multipart(DICOM)
    headers = {"Content-Type": frame.content_type, "Vary": "Accept"}
    response = web.StreamResponse(status=200 if len(parts) == len(instances) else 206, headers=headers)
    if any(part.convert for part in parts):
        return await pour(request, response, watched(request, _framed(request, parts, frame)))
    heads = [_head(request, part.instance, frame, part.syntax, place) for place, part in enumerate(parts)]
    response.content_length = sum(map(len, heads)) + sum(part.instance.size for part in parts) + len(frame.end)
    sizes = (part.instance.size for part in parts)
    files = map(Piece, heads, names, repeat(0), sizes)
    return await ship(request, response, chain(files, (Piece(frame.end),)), request[ASKED].grant.still)


async def single(request: web.Request, ranges: Sequence[MediaRange]) -> web.StreamResponse:
    """One instance as a file of its own, in the transfer syntax that is liked best."""
    syntaxes = [each.transfer_syntax for each in ranges]
    instances = await stored(request)
    parts = planned(instances, syntaxes)
    valid = tagged(request, instances, *syntaxes)
    if parts and request.method == "HEAD":
        return await _told(request, parts[0], valid)
    body = await prepare(request, parts[0]) if parts else None
    if body is None or not {body.syntax, "", "*"} & set(syntaxes):
        raise web.HTTPNotAcceptable(reason="This cannot be had in the transfer syntaxes asked for")
    response = web.StreamResponse(headers=valid | {"Content-Type": content_type(body.syntax)})
    response.content_length = body.size
    return await pour(request, response, watched(request, body.chunks))


async def _told(request: web.Request, part: Part, valid: dict[str, str]) -> web.StreamResponse:
    """The answer to a HEAD: nothing is converted for it."""
    response = web.StreamResponse(headers=valid | {"Content-Type": content_type(part.syntax)})
    if not part.convert:
        response.content_length = part.instance.size
    await response.prepare(request)
    return response


async def _framed(request: web.Request, parts: Sequence[Part], frame: Multipart) -> AsyncIterator[bytes]:
    for place, part in enumerate(parts):
        body = await prepare(request, part)
        yield _head(request, part.instance, frame, body.syntax, place)
        async for chunk in body.chunks:
            yield chunk
    yield frame.end


def _head(request: web.Request, instance: Stored, frame: Multipart, syntax: str, place: int) -> bytes:
    location = (
        f"{request[ASKED].root}/studies/{request[ASKED].study}/series/{instance.series_instance_uid}"
        f"/instances/{instance.sop_instance_uid}"
    )
    return frame.head(content_type(syntax), location, first=place == 0)
