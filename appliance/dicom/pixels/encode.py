"""Greys or colours to the bytes of a picture file, at the size that a screen wants."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features
from pydicom.dataset import Dataset

from appliance.dicom.annotation import Annotation
from appliance.dicom.pixels import lenient
from appliance.dicom.pixels.annotate import annotated

_FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    # Full chroma: the coloured letters of ultrasound fray without it.
    "image/jpeg": ("JPEG", {"subsampling": 0}),
    "image/png": ("PNG", {"compress_level": 4}),
}
if features.check("webp"):
    _FORMATS["image/webp"] = ("WEBP", {"method": 2})
_FORMATS["image/gif"] = ("GIF", {})  # of few colours: last, for who takes nothing else

MEDIA_TYPES = tuple(_FORMATS)
"""The better first."""

KEYWORDS = ("PixelAspectRatio", "PixelSpacing", "NominalScannedPixelSpacing", "ImagerPixelSpacing")

_LONGEST = 16383
"""WebP's limit, and beyond any screen."""
_LARGEST = 100_000_000
_SQUARE_ENOUGH = 0.01
_ODDEST = 10.0
"""Pixels longer than this are a slip of the header."""


@dataclass(frozen=True)
class Viewport:
    """A box to fit into, and the part of the picture that is wanted (PS3.18 8.3.5.1.3).

    Raises `ValueError` for a size that is none.
    """

    columns: int
    rows: int
    left: int = 0
    """First column of the part."""
    top: int = 0
    width: int | None = None
    """Columns of the part, to the edge for None; turned left to right when negative."""
    height: int | None = None
    """Rows of the part; turned upside down when negative."""

    def __post_init__(self) -> None:
        if not (0 < self.columns <= _LONGEST and 0 < self.rows <= _LONGEST):
            raise ValueError(f"a viewport of {self.columns} x {self.rows} px is no size")
        if self.left < 0 or self.top < 0 or self.width == 0 or self.height == 0:
            raise ValueError("the part of a picture that a viewport shows begins within it and is not empty")

    def part(self, image: Image.Image) -> Image.Image:
        """The part, as far as there is one. Raises `ValueError` when it lies beside the picture."""
        width = abs(self.width or image.width)
        height = abs(self.height or image.height)
        box = (self.left, self.top, min(self.left + width, image.width), min(self.top + height, image.height))
        if box[0] >= box[2] or box[1] >= box[3]:
            raise ValueError("the viewport lies beside the picture")
        image = image.crop(box) if box != (0, 0, *image.size) else image
        if (self.width or 1) < 0:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return image.transpose(Image.Transpose.FLIP_TOP_BOTTOM) if (self.height or 1) < 0 else image


@dataclass(frozen=True)
class Form:
    """What the picture is to be. Raises `ValueError` for a parameter out of range."""

    edge: int | None
    """Longest side in px, for None as it is."""
    media_type: str
    quality: int
    """Of JPEG and WebP, 1 to 100."""
    viewport: Viewport | None = None
    notes: Annotation | None = None
    """What is to be written into it."""
    profiled: bool = False
    """Whether the ICC profile of its colours goes along."""

    def __post_init__(self) -> None:
        if self.media_type not in _FORMATS:
            raise ValueError(f"{self.media_type} is not one of {', '.join(_FORMATS)}")
        if self.edge is not None and self.edge < 1:
            raise ValueError(f"an edge of {self.edge} px is no size")
        if not 1 <= self.quality <= 100:
            raise ValueError(f"quality {self.quality} is not from 1 to 100")


def encode(pixels: NDArray[np.uint8], height: float, form: Form, profile: bytes = b"") -> bytes:
    """The picture's file; `height` is that of a pixel whose width is 1, `profile` the ICC profile of its colours."""
    image = Image.fromarray(pixels)
    viewport = form.viewport
    if viewport:
        image = viewport.part(image)
    size = fitted(image.size, height, form.edge, (viewport.columns, viewport.rows) if viewport else None)
    if size != image.size:
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    if form.notes:
        image = annotated(image, form.notes)
    kind, options = _FORMATS[form.media_type]
    out = BytesIO()
    image.save(out, kind, quality=form.quality, icc_profile=profile or None, **options)
    return out.getvalue()


def fitted(
    size: tuple[int, int], height: float, edge: int | None, box: tuple[int, int] | None = None
) -> tuple[int, int]:
    """Columns and rows of the picture: pixels made square without losing any, then reduced to `edge` and `box`."""
    columns, rows = float(size[0]), float(size[1])
    if height > 1:
        rows *= height
    else:
        columns /= height
    longest = min(edge or _LONGEST, _LONGEST)
    scale = min(1.0, longest / max(columns, rows), sqrt(_LARGEST / (columns * rows)))
    if box:
        scale = min(scale, box[0] / columns, box[1] / rows)
    return max(1, round(columns * scale)), max(1, round(rows * scale))


def pixel_height(header: Dataset, frame: int) -> float:
    """How high a pixel is for a width of 1 (PS3.3 C.7.6.3.1.7, 10.7.1.3)."""
    for group in lenient.of_frame(header, frame, "PixelMeasuresSequence"):
        for keyword in ("PixelSpacing", "NominalScannedPixelSpacing", "ImagerPixelSpacing", "PixelAspectRatio"):
            pair = lenient.numbers(group, keyword)
            if len(pair) == 2 and min(pair) > 0:
                return _plausible(pair[0] / pair[1])
    return 1.0


def _plausible(ratio: float) -> float:
    return 1.0 if abs(ratio - 1) < _SQUARE_ENOUGH or not 1 / _ODDEST <= ratio <= _ODDEST else ratio
