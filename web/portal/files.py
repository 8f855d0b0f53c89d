"""What a patient takes along or opens as it is: documents, films, everything as a zip."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from aiohttp import web

from appliance.dicom.document import document as document_in
from appliance.dicom.extract import Extract
from appliance.dicom.model import Instance, moment
from appliance.dicom.video import video
from appliance.shares.album import Album
from appliance.shares.bundle import zipped
from appliance.storage.contract import Blobs
from appliance.storage.rows import Share
from web import archived, conditional, guards
from web.archived import ArchiveFaultError
from web.guards import Visit
from web.keys import BOX, RENDERER, THREADS
from web.portal import albums, texts
from web.portal.noted import NOTED
from web.ranges import asked_for, status
from web.streaming import stream

_LOG = logging.getLogger(__name__)

_ENDINGS = {
    "application/pdf": "pdf",
    "text/xml": "xml",
    "model/stl": "stl",
    "model/obj": "obj",
    "model/mtl": "mtl",
    "video/mp4": "mp4",
    "video/mp2t": "ts",
    "video/mpeg": "mpg",
}
_SHOWN = ("application/pdf", "video/mp4")
"""Types that browsers show without running anything in our name; the rest is only downloaded (ASVS 3.2.1)."""
_SANDBOX = "default-src 'none'; frame-ancestors 'none'; sandbox"
_VIEWER = "default-src 'none'; object-src 'self'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""What browsers' own PDF viewers need: sandboxed, Safari shows an empty window (aem-core-wcm-components#2839)
and older Chrome a refusal (crbug.com/271452)."""


async def document(request: web.Request) -> web.StreamResponse:
    """GET /s/{code}/i/{name}/document[?save]"""
    visit = await guards.visit(request)
    found = await albums.find(request, visit)
    extract = await request.app[RENDERER].run(document_in, found.path)
    await albums.note(request, visit, "document", f"series {found.stack.number}")
    return await _extracted(request, visit, found.item.instance, extract, "document")


async def film(request: web.Request) -> web.StreamResponse:
    """GET /s/{code}/i/{name}/film[?save], whole or a range of it, as players ask."""
    visit = await guards.visit(request)
    found = await albums.find(request, visit)
    extract = await request.app[RENDERER].run(video, found.path)
    if request.app[NOTED].is_new(str(visit.share.id), visit.session, "film", found.item.name):
        await albums.note(request, visit, "film", f"series {found.stack.number}")
    return await _extracted(request, visit, found.item.instance, extract, "film")


async def _extracted(
    request: web.Request, visit: Visit, of: Instance, extract: Extract, name: str
) -> web.StreamResponse:
    """The extract or the range of it that was asked for (RFC 9110 14). Raises `web.HTTPNotModified`."""
    valid = conditional.validators(of.digest[:32], moment(of.received))
    conditional.check(request, valid)
    start, stop, headers = asked_for(request, extract.size, valid)
    shown = extract.media_type in _SHOWN and "save" not in request.query
    file_name = f"{name}.{_ENDINGS.get(extract.media_type, 'bin')}"
    headers |= {
        "Content-Type": extract.media_type,
        "Content-Disposition": f'{"inline" if shown else "attachment"}; filename="{file_name}"',
        "Content-Security-Policy": _VIEWER if shown else _SANDBOX,
    }
    response = web.StreamResponse(status=status(headers), headers=headers)
    return await stream(request, response, extract.chunks(start, stop), _still_may(request, visit))


async def download(request: web.Request) -> web.StreamResponse:
    """GET /s/{code}/images.zip: every file of the study, byte for byte; a note in it tells what could not be had."""
    visit = await guards.visit(request)
    album = await albums.whole(request, visit)
    files = await request.app[THREADS].run(_paths, album, request.app[BOX].blobs)
    missing = len(album.files) - len(files)
    await albums.note(request, visit, "download", f"{len(files)} files" + (f", {missing} missing" if missing else ""))
    headers = {"Content-Type": "application/zip", "Content-Disposition": 'attachment; filename="images.zip"'}
    note = texts.missing(missing, len(album.files)) if missing else ""
    return await stream(request, web.StreamResponse(headers=headers), zipped(files, note), _still_may(request, visit))


def _paths(album: Album, blobs: Blobs) -> list[tuple[str, Path, datetime]]:
    """What goes into the zip; a file that is missing or damaged must not keep the others back.

    Raises `ArchiveFaultError` when there is none.
    """
    found, faults = [], []
    for name, one in album.files:
        try:
            found.append((name, archived.whole(blobs, one), moment(one.received).astimezone()))
        except ArchiveFaultError as fault:
            _LOG.error("left out of a download: %s", fault)
            faults.append(fault)
    if faults and not found:
        raise faults[0]
    return found


def _still_may(request: web.Request, visit: Visit) -> Callable[[], Share]:
    box, code = request.app[BOX], request.match_info["code"]
    return lambda: box.sharing.session(code, visit.share.id, visit.share.session_epoch)
