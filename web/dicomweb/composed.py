"""Instances that come as metadata with their bulk data beside, made into DICOM files (PS3.18 8.6.1.2, 10.5.2).

All parts are read before the first file is made, since metadata may name any of them; until then the bulk data are
in a file without a name.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import orjson
from aiohttp import web

from appliance.dicom import from_xml
from appliance.dicom.compose import Bulk, Fault, NotComposedError, composed, uids
from appliance.dicom.json import Json
from appliance.errors import PacsboxError
from appliance.spool.spool import Spool
from web.dicomweb.accept import JSON, MediaRange, media_type
from web.dicomweb.parts import Part, Parts
from web.dicomweb.shelf import Shelf
from web.forwarded import seen
from web.keys import BOX, THREADS

_MOST_METADATA = 16 << 20
"""Bytes of them in a request, for they are held: those of two thousand images."""
_MOST_PARTS = 100_000

Files = AsyncGenerator[AsyncIterator[bytes]]


class InstanceFaultError(PacsboxError):
    """One of the instances can't be made of what came."""

    def __init__(self, fault: Fault, message: str, sop_class_uid: str, sop_instance_uid: str) -> None:
        super().__init__(message)
        self.fault = fault
        self.sop_class_uid = sop_class_uid
        self.sop_instance_uid = sop_instance_uid


async def alone(request: web.Request, kind: str) -> Files:
    """The files of metadata, JSON or XML as `kind` says, that need no bulk data. Raises as `several`."""
    metadata = _Metadata(kind)
    await metadata.add(request.content.iter_any())
    for model in await request.app[THREADS].run(metadata.models):
        yield _file(request, model, lambda _: ())


async def several(request: web.Request, spool: Spool, boundary: str, kind: str) -> Files:
    """The files of metadata and bulk data in parts.

    Raises ValueError where they are not what the request says, `web.HTTPRequestEntityTooLarge`, `StorageFullError`.
    """
    shelf = await request.app[THREADS].run(
        Shelf, request.app[BOX].run_dir, spool, seen(request).root + request.rel_url.raw_path
    )
    try:
        metadata, count = _Metadata(kind), 0
        async for part in Parts(request.content, boundary):
            count += 1
            if count > _MOST_PARTS:
                raise _too_large(f"more than {_MOST_PARTS} parts")
            said = media_type(part.content_type) or MediaRange("")
            if said.media_type == kind:
                await metadata.add(part.body)
            else:
                await _put(request, shelf, part, said)
        for model in await request.app[THREADS].run(metadata.models):
            yield _file(request, model, shelf.pieces)
    finally:
        await asyncio.shield(request.app[THREADS].run(shelf.close))


async def _put(request: web.Request, shelf: Shelf, part: Part, said: MediaRange) -> None:
    if not part.location:
        raise ValueError("A part of the request is neither metadata nor has it a Content-Location.")
    shelf.begin(part.location, said.media_type, said.transfer_syntax)
    async for chunk in part.body:
        await request.app[THREADS].run(shelf.write, chunk)


class _Metadata:
    """The data sets of a request, without their bulk data."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._documents: list[bytes] = []
        self._size = 0

    async def add(self, chunks: AsyncIterator[bytes]) -> None:
        """A document of them. Raises `web.HTTPRequestEntityTooLarge`."""
        document = bytearray()
        async for chunk in chunks:
            self._size += len(chunk)
            if self._size > _MOST_METADATA:
                raise _too_large(f"more than {_MOST_METADATA >> 20} MB of metadata")
            document += chunk
        self._documents.append(bytes(document))

    def models(self) -> list[Json]:
        """All of them. Raises ValueError where a document is none."""
        models: list[Json] = []
        for document in self._documents:
            try:
                models += _listed(orjson.loads(document)) if self._kind == JSON else [from_xml.model(document)]
            except ValueError as fault:
                said = "it is no JSON" if isinstance(fault, orjson.JSONDecodeError) else fault
                raise ValueError(f"The metadata can't be read: {said}.") from fault
        return models


def _listed(read: object) -> list[Json]:
    """Data sets stand in an array (F.2.1); one may stand alone."""
    listed: list[object] = read if isinstance(read, list) else [read]
    models = [model for model in listed if isinstance(model, dict)]
    if len(models) < len(listed):
        raise ValueError("it is no array of data sets")
    return models


async def _file(request: web.Request, model: Json, bulk: Bulk) -> AsyncIterator[bytes]:
    """The DICOM file of a data set. Raises `InstanceFaultError`."""
    try:
        async for chunk in request.app[THREADS].each(composed(model, bulk)):
            yield chunk
    except NotComposedError as fault:
        raise InstanceFaultError(fault.fault, str(fault), *uids(model)) from fault


def _too_large(what: str) -> web.HTTPRequestEntityTooLarge:
    return web.HTTPRequestEntityTooLarge(0, reason=f"The request has {what}: send fewer instances at a time.")
