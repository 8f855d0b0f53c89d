"""The metadata of a study, a series or an instance, from the index alone (PS3.18 10.4.1.1.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from appliance.storage.contract import Studies
from web.dicomweb.accept import JSON, accepted, choose
from web.dicomweb.asked import ASKED, Asked
from web.dicomweb.found import found
from web.dicomweb.packed import packing, takes_gzip
from web.keys import BOX, THREADS
from web.streaming import pour

_FIRST = 8
_PAGE = 64
"""Instances read at a time; the first few alone, so that the answer begins soon."""


async def metadata(request: web.Request) -> web.StreamResponse:
    """GET /studies/{study}[/series/{series}[/instances/{instance}]]/metadata"""
    asked = request[ASKED]
    media_type = choose(accepted(request), (JSON, "application/json"))
    uids = [instance.sop_instance_uid for instance in await found(request)]
    response = web.StreamResponse(headers={"Content-Type": media_type, "Vary": "Accept, Accept-Encoding"})
    gzip = takes_gzip(request)
    if gzip:
        response.headers["Content-Encoding"] = "gzip"
    return await pour(request, response, _body(request, asked, uids, gzip))


async def _body(request: web.Request, asked: Asked, uids: list[str], gzip: bool) -> AsyncIterator[bytes]:
    box, threads = request.app[BOX], request.app[THREADS]
    pack, rest = packing() if gzip else (bytes, bytes)

    def page(start: int, stop: int) -> bytes:
        asked.grant.still()
        listed = _listed(box.storage.studies, uids[start:stop], asked.root)
        return pack(b"," + listed if start and listed else listed)

    yield pack(b"[")
    start, stop = 0, _FIRST
    while start < len(uids):
        yield await threads.run(page, start, stop)
        start, stop = stop, stop + _PAGE
    yield pack(b"]") + rest()


def _listed(studies: Studies, uids: list[str], root: str) -> bytes:
    """The JSON objects of these instances, their BulkDataURIs under the root that the client sees.

    No text in the JSON can look like such a key: its quotes would be escaped.
    """
    listed = b",".join(studies.metadata_of(uids))
    return listed.replace(b'"BulkDataURI":"studies/', f'"BulkDataURI":"{root}/studies/'.encode())
