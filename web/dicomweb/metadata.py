"""The metadata of a study, a series or an instance, from the index alone (PS3.18 10.4.1.1.2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import orjson
from aiohttp import web

from appliance.dicom.xml import native
from appliance.storage.contract import Studies
from web.dicomweb import charset
from web.dicomweb.accept import XML, accepted, choose_model
from web.dicomweb.asked import ASKED, Asked
from web.dicomweb.found import arrived
from web.dicomweb.multipart import Multipart
from web.dicomweb.packed import packing, takes_gzip
from web.dicomweb.tagged import tagged
from web.keys import BOX, THREADS
from web.streaming import pour
from web.threads import Threads

_FIRST = 8
_PAGE = 64
"""Instances read at a time; the first few alone, so that the answer begins soon."""
_ROOM = 4 << 20
"""Bytes that a page should have at most, going by the one before: some instances have megabytes of metadata."""


async def metadata(request: web.Request) -> web.StreamResponse:
    """GET /studies/{study}[/series/{series}[/instances/{instance}]]/metadata"""
    asked = request[ASKED]
    media_type = choose_model(ranges := accepted(request))
    charset.check(request, ranges)
    instances = await arrived(request)
    uids = [instance.sop_instance_uid for instance in instances]
    parts, gzip = Multipart(XML) if media_type == XML else None, takes_gzip(request)
    headers = tagged(request, instances, media_type, gzip, weak=bool(parts), vary="Accept, Accept-Encoding")
    headers["Content-Type"] = parts.content_type if parts else media_type
    if gzip:
        headers["Content-Encoding"] = "gzip"
    return await pour(request, web.StreamResponse(headers=headers), _body(request, asked, uids, gzip, parts))


async def _body(
    request: web.Request, asked: Asked, uids: list[str], gzip: bool, parts: Multipart | None
) -> AsyncIterator[bytes]:
    box, threads = request.app[BOX], request.app[THREADS]
    pack, rest = packing() if gzip else (bytes, bytes)

    def page(start: int, stop: int) -> bytes:
        asked.grant.still()
        studies, some = box.storage.studies, uids[start:stop]
        if parts:
            return _documents(parts, studies, some, asked.root, first=not start)
        listed = _listed(studies, some, asked.root)
        return b"," + listed if start and listed else listed

    yield pack(b"" if parts else b"[")
    async for read in _ahead(threads, page, len(uids)):
        yield await threads.run(pack, read) if gzip else read
    yield pack(parts.end if parts else b"]") + rest()


async def _ahead(threads: Threads, page: Callable[[int, int], bytes], count: int) -> AsyncIterator[bytes]:
    """The pages, each read while the one before is packed and sent."""
    start, size = 0, _FIRST
    reading = asyncio.ensure_future(threads.run(page, start, size))
    try:
        while start + size < count:
            read = await reading
            start, size = start + size, max(1, min(_PAGE, size * _ROOM // max(1, len(read))))
            reading = asyncio.ensure_future(threads.run(page, start, start + size))
            yield read
        yield await reading
    finally:
        reading.cancel()


def _documents(frame: Multipart, studies: Studies, uids: list[str], root: str, *, first: bool) -> bytes:
    """The instances as XML, a part each."""
    models = (orjson.loads(rooted(model, root)) for model in studies.metadata_of(uids))
    return b"".join(frame.head(XML, "", first=first and not n) + native(model) for n, model in enumerate(models))


def _listed(studies: Studies, uids: list[str], root: str) -> bytes:
    """The JSON objects of these instances, a comma between."""
    return rooted(b",".join(studies.metadata_of(uids)), root)


def rooted(models: bytes, root: str) -> bytes:
    """JSON objects with their BulkDataURIs under the root that the client sees.

    No text in the JSON can look like such a key: its quotes would be escaped.
    """
    return models.replace(b'"BulkDataURI":"studies/', f'"BulkDataURI":"{root}/studies/'.encode())
