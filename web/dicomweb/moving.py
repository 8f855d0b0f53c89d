"""Several pictures as one that moves, at their own pace: a GIF, or a film where the box can make one."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from aiohttp import web

from appliance.dicom import film
from appliance.dicom.animated import GIF, gif, spread
from appliance.dicom.cine import frame_rate
from appliance.dicom.drawn import DRAWN
from appliance.dicom.film import MP4
from appliance.dicom.model import Instance
from appliance.dicom.pixels import NothingToShowError, Viewport
from web.dicomweb.accept import MediaRange
from web.dicomweb.picture import RENDERED, Picture, made
from web.dicomweb.tagged import tagged
from web.dicomweb.view import View
from web.dicomweb.watched import watched
from web.keys import BOX, RENDERER, THREADS
from web.rendering import PictureFailedError
from web.streaming import pour

FILMS = web.AppKey("films", asyncio.Semaphore)
AT_ONCE = 2
"""Films that are made at a time; who asks for more waits."""

_SMALL = Viewport(512, 512)
_SIZE = 16
"""Where a PNG file tells its columns and rows."""
_CHUNK = 1 << 16

Frames = Sequence[tuple[Instance, int]]


def wanted(ranges: Sequence[MediaRange]) -> str | None:
    """What moves that the client says it takes, and likes nothing better. Raises `web.HTTPNotAcceptable`."""
    kind = ranges[0].media_type if ranges and not ranges[0].multipart else ""
    if kind != MP4 or film.installed():
        return kind if kind in (GIF, MP4) else None
    if ranges[1:]:
        return wanted(ranges[1:])
    raise web.HTTPNotAcceptable(reason=film.MISSING)


async def moving(request: web.Request, frames: Frames, view: View, kind: str) -> web.StreamResponse:
    """All of `frames` in one, a few hundred at most of a GIF."""
    if not frames:
        raise NothingToShowError("There is no picture in this.")
    view = replace(view, viewport=view.viewport or _SMALL)
    return await (_film if kind == MP4 else _gif)(request, frames, view)


async def _gif(request: web.Request, frames: Frames, view: View) -> web.StreamResponse:
    chosen = [frames[place] for place in spread(len(frames))]
    form = (*((instance.sop_instance_uid, instance.digest, frame) for instance, frame in chosen), view, GIF)
    valid = tagged(request, dict.fromkeys(instance for instance, _ in chosen), view, GIF, DRAWN)
    body = request.app[RENDERED].get(form)
    if body is None:
        pictures = [body async for body in _pictures(request, chosen, view)]
        if not pictures:
            raise NothingToShowError("There is no picture in this.")
        rate = await _rate(request, frames)
        body = await request.app[RENDERER].run(gif, pictures, rate * len(chosen) / len(frames))
        request.app[RENDERED].put(form, body)
    return web.Response(body=body, headers=valid | {"Content-Type": GIF, "Vary": "Accept"})


async def _film(request: web.Request, frames: Frames, view: View) -> web.StreamResponse:
    """Streamed as it is made: neither the pictures nor the film are ever held as a whole."""
    pictures = _pictures(request, frames, view)
    first = await anext(pictures, None)
    if first is None:
        raise NothingToShowError("There is no picture in this.")
    response = web.StreamResponse(headers={"Content-Type": MP4, "Vary": "Accept"})
    if request.method == "HEAD":
        await response.prepare(request)
        return response
    async with request.app[FILMS]:
        rate, size = await _rate(request, frames), struct.unpack_from(">II", first, _SIZE)
        async with _running(film.command(size, rate)) as process:
            chunks = _encoded(process, _followed(first, pictures))
            beginning = await anext(chunks, None)
            if beginning is None:
                raise PictureFailedError("The film could not be made.")
            return await pour(request, response, watched(request, _followed(beginning, chunks)))


@contextlib.asynccontextmanager
async def _running(command: Sequence[str]) -> AsyncIterator[Process]:
    """A program with pipes to and from it, killed at the end unless it has ended."""
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _encoded(process: Process, pictures: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """What the program makes of the pictures. Raises `PictureFailedError` when it fails, and what `pictures` does."""
    assert process.stdin
    assert process.stdout
    feeding = asyncio.create_task(_feed(process.stdin, pictures))
    try:
        while chunk := await process.stdout.read(_CHUNK):
            yield chunk
        await feeding
        if await process.wait():
            raise PictureFailedError("The film could not be made to its end.")
    finally:
        feeding.cancel()


async def _feed(pipe: asyncio.StreamWriter, pictures: AsyncIterator[bytes]) -> None:
    """Picture by picture, no faster than they are taken; a program that ended early tells by how it ended."""
    try:
        with contextlib.suppress(ConnectionError):
            async for picture in pictures:
                pipe.write(picture)
                await pipe.drain()
    finally:
        pipe.close()


async def _followed(first: bytes, others: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for each in others:
        yield each


async def _pictures(request: web.Request, frames: Frames, view: View) -> AsyncIterator[bytes]:
    """PNG files of those that can be shown."""
    for instance, frame in frames:
        with contextlib.suppress(NothingToShowError):
            yield await made(request, Picture(instance, frame, view, "image/png"))


async def _rate(request: web.Request, frames: Frames) -> float:
    """Frames a second, by the first instance."""
    studies, uid = request.app[BOX], frames[0][0].sop_instance_uid
    (metadata,) = await request.app[THREADS].run(lambda: list(studies.storage.studies.metadata_of([uid]))) or (b"{}",)
    return frame_rate(metadata)
