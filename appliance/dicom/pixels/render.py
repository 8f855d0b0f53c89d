"""A stored instance as a picture for a screen. Meant for worker processes: decoding is slow and not thread-safe."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from appliance.dicom.annotation import Annotation
from appliance.dicom.pixels import colour, encode, grey, lenient, overlays, palette
from appliance.dicom.pixels import layout as layouts
from appliance.dicom.pixels import profile as profiles
from appliance.dicom.pixels import window as windows
from appliance.dicom.pixels.decode import decode
from appliance.dicom.pixels.encode import Form, Viewport
from appliance.dicom.pixels.layout import Decoded, Layout
from appliance.dicom.pixels.window import Window
from appliance.dicom.source import Source, opened, refusing

_KEYWORDS = (
    *layouts.KEYWORDS,
    *windows.KEYWORDS,
    *grey.KEYWORDS,
    *palette.KEYWORDS,
    *encode.KEYWORDS,
    "ExtendedOffsetTable",
    "RepresentativeFrameNumber",
)


def render(
    path: Path,
    frame: int = 1,
    *,
    window: Window | None = None,
    edge: int | None = None,
    viewport: Viewport | None = None,
    media_type: str = "image/jpeg",
    quality: int = 85,
    notes: Annotation | None = None,
    profiled: bool = False,
) -> bytes:
    """One frame, counted from 1, as a JPEG, PNG or WebP file.

    `window` takes the place of the file's own and means nothing to colour pictures; `edge` is the longest
    side in px and only makes smaller; so does `viewport`, which also may show a part. `notes` are written into it;
    with `profiled` the ICC profile of its colours goes along, if it has one.

    Raises `NothingToShowError` when there is no picture in the file or it is damaged, `IndexError` when it has
    no such frame, `ValueError` for a parameter out of range.
    """
    form = Form(edge, media_type, quality, viewport, notes, profiled)
    with opened(path, _keywords(form), overlays.TAGS) as source:
        return _rendered(source, _layout(source), frame, window, form)


def thumbnail(
    path: Path,
    edge: int = 160,
    *,
    viewport: Viewport | None = None,
    media_type: str = "image/jpeg",
    quality: int = 80,
    notes: Annotation | None = None,
    profiled: bool = False,
) -> bytes:
    """The representative frame, else the middle one, small. Raises as `render` does."""
    form = Form(None if viewport else edge, media_type, quality, viewport, notes, profiled)
    with opened(path, _keywords(form), overlays.TAGS) as source:
        layout = _layout(source)
        chosen = int(lenient.number(source.header, "RepresentativeFrameNumber") or 0)
        frame = chosen if 1 <= chosen <= layout.frames else (layout.frames + 1) // 2
        return _rendered(source, layout, frame, None, form)


def _keywords(form: Form) -> tuple[str, ...]:
    return (*_KEYWORDS, *profiles.KEYWORDS) if form.profiled else _KEYWORDS


@refusing()
def _layout(source: Source) -> Layout:
    return layouts.layout(source)


def _rendered(source: Source, layout: Layout, frame: int, window: Window | None, form: Form) -> bytes:
    if not 1 <= frame <= layout.frames:
        raise IndexError(f"there is no frame {frame}: the file has {layout.frames}")
    with refusing():
        pixels = _pixels(source, layout, frame, window)
        profile = profiles.profile(source.header) if form.profiled and pixels.ndim == 3 else b""
        return encode.encode(pixels, encode.pixel_height(source.header, frame), form, profile)


def _pixels(source: Source, layout: Layout, frame: int, window: Window | None) -> NDArray[np.uint8]:
    decoded = overlays.apart(decode(source, layout, frame - 1), source.header, layout)
    return overlays.over(_picture(decoded, source, layout, frame, window), decoded, source, layout, frame)


def _picture(decoded: Decoded, source: Source, layout: Layout, frame: int, window: Window | None) -> NDArray[np.uint8]:
    if layout.samples == 3:
        return colour.rgb(decoded)
    if layout.photometric == "PALETTE COLOR":
        return palette.colours(decoded, source.header, source.order)
    greys = grey.greys(decoded, layout, source, frame, window)
    if palette.is_supplemental(source.header):
        return palette.supplemented(greys, decoded, source.header, source.order)
    return greys
