"""STOW-RS: taking instances in (PS3.18 10.5). The spool is the only way in; the answer waits for the indexer."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

import orjson
from aiohttp import web

from appliance import events
from appliance.dicom.answer import to_json
from appliance.dicom.compose import Fault
from appliance.dicom.json import Json
from appliance.dicom.model import Origin
from appliance.dicom.xml import native
from appliance.errors import StorageFullError
from appliance.spool.fate import Fate, fate
from appliance.spool.intake import Intake, Kept, Refusal, RefusedError
from appliance.spool.spool import Spool
from web import guards
from web.dicomweb import audited, charset
from web.dicomweb.accept import DICOM, JSON, MULTIPART, XML, accepted, choose, media_type
from web.dicomweb.asked import ASKED, ITEMS, STORED, Asked
from web.dicomweb.composed import InstanceFaultError, alone, several
from web.dicomweb.parts import Parts
from web.keys import BOX, THREADS

_LOG = logging.getLogger(__name__)
T = TypeVar("T")

DOOR = "stow"
"""Our part of the spool."""
_CHUNK = 1 << 18
_PATIENCE = 10.0
"""Seconds that the indexer gets before we answer that the instances are safe, and no more."""
_LOOK = 0.02
_OUT_OF_RESOURCES, _DUPLICATE = 0xA700, 0x0111
_REASONS = {Refusal.UNREADABLE: 0xC000, Refusal.OTHER_STUDY: 0xA900}
"""Failure Reasons (0008,1197) by PS3.18 10.5.3, PS3.4 table B.2-1 and PS3.7 annex C."""
_OF_FAULT = {Fault.MEANINGLESS: 0xC000, Fault.INCOMPLETE: 0xA900, Fault.SYNTAX: 0xC122}
_OF_FATE = {Fate.REJECTED: 0xC000, Fate.CONFLICT: _DUPLICATE}


@dataclass(frozen=True)
class Failed:
    """An instance that was not stored."""

    reason: int
    sop_class_uid: str = ""
    sop_instance_uid: str = ""


async def store(request: web.Request) -> web.Response:
    """POST /studies[/{study}]"""
    try:
        return await _stored(request)
    except (asyncio.CancelledError, ConnectionError):
        audited.stored(request)  # who sent it is gone: there will be no answer to note it by
        raise


async def _stored(request: web.Request) -> web.Response:
    told_as = choose(ranges := accepted(request), (JSON, "application/json", XML))
    charset.check(request, ranges)
    asked, threads = request[ASKED], request.app[THREADS]
    spool = await threads.run(request.app[BOX].spool, DOOR)
    kept: list[Kept] = []
    failed: list[Failed] = []
    request[ITEMS], request[STORED] = 0, Counter()
    async with aclosing(_files(request, spool)) as files:
        async for file in files:
            try:
                kept.append(await _taken(request, spool, file))
            except (RefusedError, InstanceFaultError) as fault:
                _LOG.warning("%s: an instance was refused: %s", asked.grant.scope.who, fault)
                reason = _REASONS[fault.refusal] if isinstance(fault, RefusedError) else _OF_FAULT[fault.fault]
                failed.append(Failed(reason, fault.sop_class_uid, fault.sop_instance_uid))
            except StorageFullError as fault:
                _LOG.error("%s: %s", asked.grant.scope.who, fault)
                failed.append(Failed(_OUT_OF_RESOURCES))
    if not kept and not failed:
        raise ValueError("There is no instance in the request.")
    waiting = await _settled(request, spool, kept, failed)
    report = _report(asked, kept, failed)
    body = native(report) if told_as == XML else orjson.dumps(report)
    return web.Response(status=status(kept, failed, waiting), body=body, content_type=told_as)


def status(kept: Sequence[Kept], failed: Sequence[Failed], waiting: bool) -> int:
    """By table 10.5.3-1: all, some or none were stored; 202 too when the indexer has not seen all of them."""
    if kept:
        return 202 if failed or waiting else 200
    return 507 if all(each.reason == _OUT_OF_RESOURCES for each in failed) else 409


async def _taken(request: web.Request, spool: Spool, chunks: AsyncIterator[bytes]) -> Kept:
    """One file into the spool; counted once it is safe there, even if who sent it has left meanwhile."""
    asked, threads = request[ASKED], request.app[THREADS]
    origin = Origin("STOW-RS", address=guards.address(request), received=events.now())
    intake = Intake(spool, origin, asked.study)

    def finish() -> Kept:
        kept = intake.finish()
        request[STORED][kept.study_instance_uid] += 1
        return kept

    try:
        async for chunk in chunks:
            await _to_its_end(threads.run(intake.write, chunk))
        return await _to_its_end(threads.run(finish))
    finally:
        await asyncio.shield(threads.run(intake.discard))


async def _to_its_end(work: Awaitable[T]) -> T:
    """What `work` gives; who is cancelled meanwhile goes on only when it is over, for a thread can't be stopped."""
    running = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait((running,))
        raise


def _files(request: web.Request, spool: Spool) -> AsyncGenerator[AsyncIterator[bytes]]:
    """The files of the request, one after the other. Raises `web.HTTPUnsupportedMediaType`."""
    kind = media_type(request.headers.get("Content-Type", ""))
    boundary = kind.parameters.get("boundary") if kind is not None and kind.multipart else None
    if kind is not None and kind.multipart == bool(boundary) and kind.media_type in (JSON, XML):
        return several(request, spool, boundary, kind.media_type) if boundary else alone(request, kind.media_type)
    if kind is not None and not kind.multipart and kind.takes(DICOM) and kind.media_type != "*/*":
        return _alone(request)
    if kind is not None and boundary and kind.takes(DICOM):
        return _several(request, boundary)
    kinds = ", ".join(f'"{each}"' for each in (DICOM, JSON, XML))
    raise web.HTTPUnsupportedMediaType(reason=f"Send {MULTIPART}; type=...; boundary=..., the type one of {kinds}")


async def _alone(request: web.Request) -> AsyncGenerator[AsyncIterator[bytes]]:
    yield request.content.iter_chunked(_CHUNK)


async def _several(request: web.Request, boundary: str) -> AsyncGenerator[AsyncIterator[bytes]]:
    async for part in Parts(request.content, boundary):
        yield part.body if _is_dicom(part.content_type) else _refused()


def _is_dicom(kind: str) -> bool:
    """Whether a part is a DICOM file, as those are that don't say what they are."""
    said = media_type(kind or DICOM)
    return said is not None and said.takes(DICOM)


async def _refused() -> AsyncIterator[bytes]:
    raise RefusedError(Refusal.UNREADABLE, "a part is no DICOM file")
    yield b""  # makes it an iterator


async def _settled(request: web.Request, spool: Spool, kept: list[Kept], failed: list[Failed]) -> bool:
    """Wait for the indexer, and move what it did not take from `kept` to `failed`; whether some still wait."""
    loop, run = asyncio.get_running_loop(), request.app[THREADS].run
    end = loop.time() + _PATIENCE
    waiting = list(kept)
    while waiting:
        fates = await run(_fates, spool, waiting)
        for each, where in zip(waiting, fates, strict=True):
            if where in _OF_FATE:
                kept.remove(each)
                request[STORED][each.study_instance_uid] -= 1
                failed.append(Failed(_OF_FATE[where], each.sop_class_uid, each.sop_instance_uid))
        waiting = [each for each, where in zip(waiting, fates, strict=True) if where is Fate.WAITING]
        if loop.time() > end:
            break
        await asyncio.sleep(_LOOK if waiting else 0)
    return bool(waiting)


def _fates(spool: Spool, kept: Sequence[Kept]) -> list[Fate]:
    return [fate(spool, each.entry) for each in kept]


def _report(asked: Asked, kept: Sequence[Kept], failed: Sequence[Failed]) -> Json:
    """The Store Instances Response (10.5.3.3): what was stored, what was not, and where all of it is."""
    studies = {each.study_instance_uid for each in kept}
    report: Json = {}
    if len(studies) == 1:
        report |= to_json({"RetrieveURL": f"{asked.root}/studies/{studies.pop()}"}, ["RetrieveURL"])
    failures = [_item(each.sop_class_uid, each.sop_instance_uid, FailureReason=each.reason) for each in failed]
    stored = [_item(each.sop_class_uid, each.sop_instance_uid, RetrieveURL=_url(asked, each)) for each in kept]
    if failures:
        report["00081198"] = {"vr": "SQ", "Value": failures}
    if stored:
        report["00081199"] = {"vr": "SQ", "Value": stored}
    return report


def _item(sop_class_uid: str, sop_instance_uid: str, **more: str | int) -> Json:
    row = {"ReferencedSOPClassUID": sop_class_uid, "ReferencedSOPInstanceUID": sop_instance_uid, **more}
    return to_json(row, row)


def _url(asked: Asked, kept: Kept) -> str:
    series = f"{asked.root}/studies/{kept.study_instance_uid}/series/{kept.series_instance_uid}"
    return f"{series}/instances/{kept.sop_instance_uid}"


async def sweep(app: web.Application) -> None:
    """At the start: remove what an earlier server left half-taken."""
    try:
        await asyncio.to_thread(lambda: app[BOX].spool(DOOR).sweep())
    except StorageFullError as fault:
        _LOG.error("%s %s", fault, fault.hint)  # reading goes on
