"""Structured reports as text (PS3.18 8.7.4, 10.4.1.1.3)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from aiohttp import web

from appliance.dicom.model import Instance
from appliance.dicom.report import is_report
from web.dicomweb import charset
from web.dicomweb.accept import MediaRange, accepted, liked, not_acceptable
from web.dicomweb.asked import ASKED
from web.dicomweb.multipart import Multipart
from web.dicomweb.tagged import tagged
from web.dicomweb.watched import watched
from web.keys import BOX, RENDERER, THREADS
from web.report import texts
from web.report.page import POLICY, Link
from web.report.writing import MEDIA_TYPES, WRITTEN, linked, written
from web.streaming import pour

_PAGE = f"{POLICY}; frame-ancestors 'self'"


async def report(request: web.Request, instance: Instance, ranges: Sequence[MediaRange]) -> web.StreamResponse:
    """One report, in the kind and the frame that the client likes best. Raises `web.HTTPNotAcceptable`."""
    alone, framed = (liked(ranges, MEDIA_TYPES, multipart=each) for each in (False, True))
    if alone and not (framed and ranges[0].multipart):
        return await single(request, instance, alone)
    if framed is None:
        raise not_acceptable(MEDIA_TYPES)
    return await parts(request, [instance], framed)


async def single(request: web.Request, instance: Instance, media_type: str) -> web.Response:
    """A report as the whole answer."""
    charset.check(request, accepted(request))
    metadata, links = await _read(request, instance)
    valid = tagged(request, [instance], WRITTEN, media_type, *links, dated=False)  # the links are about others
    body = await request.app[RENDERER].run(written, metadata, media_type, links)
    headers = valid | {"Content-Type": f"{media_type}; charset=utf-8", "Vary": "Accept"}
    return web.Response(body=body, headers=headers | {"Content-Security-Policy": _PAGE})


async def parts(request: web.Request, instances: Sequence[Instance], media_type: str) -> web.StreamResponse:
    """Reports, a part each."""
    charset.check(request, accepted(request))
    whole = Multipart(media_type)

    async def body() -> AsyncIterator[bytes]:
        for number, instance in enumerate(instances):
            metadata, links = await _read(request, instance)
            text = await request.app[RENDERER].run(written, metadata, media_type, links)
            yield whole.head(f"{media_type}; charset=utf-8", _url(request, instance), first=not number) + text
        yield whole.end

    response = web.StreamResponse(headers={"Content-Type": whole.content_type, "Vary": "Accept"})
    return await pour(request, response, watched(request, body()))


async def _read(request: web.Request, instance: Instance) -> tuple[bytes, dict[str, Link]]:
    """Its DICOM JSON, and where the pictures are that it speaks of."""
    box = request.app[BOX]

    def read() -> tuple[bytes, dict[str, Link]]:
        studies = box.storage.studies
        (metadata,) = studies.metadata_of([instance.sop_instance_uid]) or (b"{}",)
        others = studies.instances(instance.study_instance_uid, "")
        return metadata, linked(metadata, others, lambda one: _link(request, one))

    return await request.app[THREADS].run(read)


def _link(request: web.Request, to: Instance) -> Link:
    here = _url(request, to)
    small = "" if is_report(to.sop_class_uid) else here.removesuffix("rendered") + "thumbnail"
    return Link(here, small, f"{texts.IMAGE} {to.instance_number}".strip())


def _url(request: web.Request, of: Instance) -> str:
    uids = f"studies/{of.study_instance_uid}/series/{of.series_instance_uid}/instances/{of.sop_instance_uid}"
    return f"{request[ASKED].root}/{uids}/rendered"
