"""One picture that is asked for: from memory, else from a worker."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web

from appliance.dicom.annotation import Annotation, annotation
from appliance.dicom.drawn import DRAWN
from appliance.dicom.model import Instance
from appliance.dicom.pixels import Viewport, render, thumbnail
from web import archived
from web.cache import Cache
from web.dicomweb.view import View
from web.keys import BOX, RENDERER, THREADS

RENDERED = web.AppKey("rendered", Cache)
MEMORY = 32 << 20
"""Bytes of pictures that are kept."""

_WHOLE = Viewport(16383, 16383)
"""As large as pictures get."""


@dataclass(frozen=True)
class Picture:
    """What is to be seen, and how."""

    instance: Instance
    frame: int
    """From 1; 0 for the one that stands for all."""
    view: View
    media_type: str
    drawn: int = DRAWN
    """Validators tell by it what an older version of ours has drawn."""


async def made(request: web.Request, picture: Picture) -> bytes:
    """The picture's file. Raises what `render` does, `ArchiveFaultError` and `PictureFailedError`."""
    kept, of, view = request.app[RENDERED], picture.instance, picture.view
    key = (of.sop_instance_uid, of.digest, picture.frame, view, picture.media_type)
    body = kept.get(key)
    if body is None:
        form: dict[str, Any] = {
            "viewport": view.viewport or _WHOLE,
            "media_type": picture.media_type,
            "quality": view.quality,
            "profiled": view.profiled,
            "notes": await _notes(request, picture) if view.annotation else None,
        }
        path, renderer = partial(archived.whole, request.app[BOX].blobs, of), request.app[RENDERER]
        if picture.frame or view.window:
            body = await renderer.of(path, render, picture.frame or 1, window=view.window, **form)
        else:
            body = await renderer.of(path, thumbnail, **form)
        kept.put(key, body)
    return body


async def _notes(request: web.Request, picture: Picture) -> Annotation:
    """By the index, which may know the character set better than the file does."""
    box, of = request.app[BOX], picture.instance
    frame = picture.frame if of.frames > 1 else 0

    def read() -> Annotation:
        (metadata,) = box.storage.studies.metadata_of([of.sop_instance_uid]) or (b"{}",)
        return annotation(metadata, picture.view.annotation, frame)

    return await request.app[THREADS].run(read)
