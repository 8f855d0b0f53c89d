"""Pictures of studies, series, instances and frames; reports as text, documents and films as they are.

PS3.18 10.4.1.1.3.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace

from aiohttp import web

from appliance.archive.previews import EDGE, QUALITY
from appliance.dicom.document import document
from appliance.dicom.film import MP4
from appliance.dicom.model import Instance
from appliance.dicom.pixels import MEDIA_TYPES, NothingToShowError, Viewport
from appliance.dicom.video import video
from appliance.shares.album import Kind, kind_of
from web import archived
from web.dicomweb import reported
from web.dicomweb import view as views
from web.dicomweb.accept import MULTIPART, MediaRange, accepted, liked, not_acceptable
from web.dicomweb.asked import ASKED
from web.dicomweb.found import found
from web.dicomweb.frames import listed
from web.dicomweb.moving import moving, wanted
from web.dicomweb.multipart import Multipart
from web.dicomweb.picture import Picture, made
from web.dicomweb.tagged import tagged
from web.dicomweb.view import View
from web.dicomweb.watched import watched
from web.keys import BOX, RENDERER, THREADS
from web.ranges import asked_for, status
from web.report.writing import MEDIA_TYPES as REPORTS
from web.streaming import pour

_AS_THEY_ARE = (Kind.DOCUMENT, Kind.FILM)
_NO_THUMBNAIL = (Kind.DOCUMENT, Kind.REPORT)
_SHOWN = frozenset(("application/pdf", "video/mp4"))
"""What browsers show without running anything in our name (ASVS 3.2.1)."""
_VIEWER = "default-src 'none'; object-src 'self'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"
"""What browsers' own viewers need, in a viewer of ours."""
_SANDBOX = "default-src 'none'; sandbox"
_SMALL = Viewport(EDGE, EDGE)
_JPEG = "image/jpeg"
_TRIES = 5
"""Instances that are looked at for a thumbnail of many."""


async def many(request: web.Request) -> web.StreamResponse:
    """GET /studies/{study}[/series/{series}]/rendered: every frame that can be shown, a part each.

    Who takes one picture alone gets the middle one, or all of them as one that moves; who takes text, the reports.
    """
    view, ranges = views.read(request.query), accepted(request)
    kind, single = liked(ranges, MEDIA_TYPES, multipart=True), liked(ranges, MEDIA_TYPES, multipart=False)
    instances = await found(request)
    shown = [each for each in instances if _is_picture(each)]
    reports = [each for each in instances if kind_of(each) is Kind.REPORT]
    if reports and not (shown and (kind or single)) and (text := liked(ranges, REPORTS, multipart=True)):
        return await reported.parts(request, reports, text)
    if len(reports) == 1 and not (shown and single) and (text := liked(ranges, REPORTS, multipart=False)):
        return await reported.single(request, reports[0], text)
    frames = [(instance, frame) for instance in shown for frame in range(1, instance.frames + 1)]
    if moves := wanted(ranges):
        return await moving(request, frames, view, moves)
    if kind is not None:
        return await _parts(request, kind, (Picture(instance, frame, view, kind) for instance, frame in frames))
    if single is None:
        raise not_acceptable([*(f'{MULTIPART}; type="{each}"' for each in MEDIA_TYPES), *MEDIA_TYPES, MP4])
    return await _one_of(request, shown, 0, view, single)


async def one(request: web.Request) -> web.StreamResponse:
    """GET .../instances/{instance}[/frames/{frames}]/rendered"""
    view = views.read(request.query)
    (instance,) = await found(request)
    if kind_of(instance) in _AS_THEY_ARE:
        return await _as_it_is(request, instance)
    if kind_of(instance) is Kind.REPORT and "frames" not in request.match_info:
        return await reported.report(request, instance, accepted(request))
    numbers = listed(request.match_info["frames"]) if "frames" in request.match_info else []
    for number in numbers:
        if number > instance.frames:
            raise LookupError(f"There is no frame {number}: the instance has {instance.frames}.")
    ranges = accepted(request)
    if moves := wanted(ranges):
        frames = numbers or range(1, instance.frames + 1)
        return await moving(request, [(instance, number) for number in frames], view, moves)
    single = liked(ranges, MEDIA_TYPES, multipart=False) if len(numbers) < 2 else None
    several = liked(ranges, MEDIA_TYPES, multipart=True)
    if single and not (several and ranges[0].multipart):
        return await _single(request, Picture(instance, numbers[0] if numbers else 0, view, single))
    if several is None:
        raise not_acceptable(MEDIA_TYPES)
    frames = numbers or range(1, instance.frames + 1)
    return await _parts(request, several, (Picture(instance, frame, view, several) for frame in frames))


async def shown(
    request: web.Request, instance: Instance, ranges: Sequence[MediaRange], query: Mapping[str, str], frame: int
) -> web.StreamResponse:
    """One picture of `instance`, or its document or film: `frame` from 1, 0 for the one that stands for all."""
    view = views.read(query)
    if kind_of(instance) in _AS_THEY_ARE:
        return await _as_it_is(request, instance)
    if kind_of(instance) is Kind.REPORT:
        return await reported.report(request, instance, ranges)
    if frame > instance.frames:
        raise LookupError(f"There is no frame {frame}: the instance has {instance.frames}.")
    kind = liked(ranges, MEDIA_TYPES, multipart=False)
    if kind is None:
        raise not_acceptable(MEDIA_TYPES)
    return await _single(request, Picture(instance, frame, view, kind))


async def small(request: web.Request) -> web.StreamResponse:
    """GET .../thumbnail of a study, a series, an instance or a frame."""
    view = views.read(request.query)
    plain = view == View() and "quality" not in request.query
    if "quality" not in request.query:
        view = replace(view, quality=QUALITY)
    view = replace(view, viewport=view.viewport or _SMALL)
    kind = liked(accepted(request), MEDIA_TYPES, multipart=False)
    if kind is None:
        raise not_acceptable(MEDIA_TYPES)
    frame = listed(request.match_info["frames"])[0] if "frames" in request.match_info else 0
    shown = [each for each in await found(request) if kind_of(each) not in _NO_THUMBNAIL]
    if plain and not frame and kind == _JPEG and (ready := await _ready(request, shown, view)) is not None:
        return ready
    return await _one_of(request, shown, frame, view, kind)


async def _ready(request: web.Request, instances: Sequence[Instance], view: View) -> web.Response | None:
    """The preview that was made before anyone asked, of the instance nearest to the middle that has one."""
    previews, middle = request.app[BOX].previews, len(instances) // 2

    def read() -> tuple[Instance, bytes] | None:
        have = previews.made(instances[0].study_instance_uid) if instances else set()
        some = [place for place, each in enumerate(instances) if each.digest in have]
        if not some:
            return None
        chosen = instances[min(some, key=lambda place: abs(place - middle))]
        body = previews.get(chosen.study_instance_uid, chosen.digest)
        return (chosen, body) if body is not None else None

    found = await request.app[THREADS].run(read)
    if found is None:
        return None
    valid = tagged(request, [found[0]], Picture(found[0], 0, view, _JPEG), dated=False)
    return web.Response(body=found[1], headers=valid | {"Content-Type": _JPEG, "Vary": "Accept"})


async def _one_of(
    request: web.Request, instances: Sequence[Instance], frame: int, view: View, kind: str
) -> web.StreamResponse:
    """The middle one that can be shown."""
    fault: Exception = NothingToShowError("There is no picture in this.")
    for instance in _from_the_middle(instances)[:_TRIES]:
        try:
            return await _single(request, Picture(instance, frame, view, kind))
        except NothingToShowError as reason:
            fault = reason
    raise fault


def _is_picture(instance: Instance) -> bool:
    return kind_of(instance) in (Kind.PICTURES, Kind.CLIP)


def _from_the_middle(instances: Sequence[Instance]) -> list[Instance]:
    """The middle one, then some from all over."""
    step = max(1, len(instances) // _TRIES)
    return [*instances[len(instances) // 2 :][:1], *instances[::step]]


async def _as_it_is(request: web.Request, instance: Instance) -> web.StreamResponse:
    """A document or a film, whatever the client says it takes: viewers go there as to a page."""
    valid = tagged(request, [instance])
    path = await request.app[THREADS].run(archived.whole, request.app[BOX].blobs, instance)
    extract = await request.app[RENDERER].run(document if kind_of(instance) is Kind.DOCUMENT else video, path)
    start, stop, headers = asked_for(request, extract.size, valid)
    headers["Content-Type"] = extract.media_type
    if extract.media_type in _SHOWN:
        headers["Content-Security-Policy"] = _VIEWER
    else:
        headers |= {"Content-Security-Policy": _SANDBOX, "Content-Disposition": "attachment"}
    response = web.StreamResponse(status=status(headers), headers=headers)
    return await pour(request, response, watched(request, request.app[THREADS].each(extract.chunks(start, stop))))


async def _single(request: web.Request, picture: Picture) -> web.StreamResponse:
    valid = tagged(request, [picture.instance], picture, dated=False)
    body = await made(request, picture)
    return web.Response(body=body, headers=valid | {"Content-Type": picture.media_type, "Vary": "Accept"})


async def _parts(request: web.Request, kind: str, pictures: Iterator[Picture]) -> web.StreamResponse:
    shown = _shown(request, pictures)
    first = await anext(shown, None)
    if first is None:
        raise NothingToShowError("There is no picture in this.")
    whole = Multipart(kind)

    async def parts() -> AsyncIterator[bytes]:
        yield whole.head(kind, _url(request, first[0]), first=True) + first[1]
        async for picture, body in shown:
            yield whole.head(kind, _url(request, picture), first=False) + body
        yield whole.end

    response = web.StreamResponse(headers={"Content-Type": whole.content_type, "Vary": "Accept"})
    return await pour(request, response, watched(request, parts()))


async def _shown(request: web.Request, pictures: Iterator[Picture]) -> AsyncIterator[tuple[Picture, bytes]]:
    """The pictures that can be made; what holds none is passed over."""
    for picture in pictures:
        try:
            yield picture, await made(request, picture)
        except NothingToShowError:
            continue


def _url(request: web.Request, picture: Picture) -> str:
    of = picture.instance
    uids = f"studies/{of.study_instance_uid}/series/{of.series_instance_uid}/instances/{of.sop_instance_uid}"
    return f"{request[ASKED].root}/{uids}/frames/{picture.frame}/rendered"
