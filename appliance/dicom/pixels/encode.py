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

from appliance.dicom.pixels import lenient

_FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    # Full chroma: the coloured letters of ultrasound fray without it.
    "image/jpeg": ("JPEG", {"subsampling": 0}),
    "image/png": ("PNG", {"compress_level": 4}),
}
if features.check("webp"):
    _FORMATS["image/webp"] = ("WEBP", {"method": 2})

MEDIA_TYPES = tuple(_FORMATS)

KEYWORDS = ("PixelAspectRatio", "PixelSpacing", "NominalScannedPixelSpacing", "ImagerPixelSpacing")

_LONGEST = 16383
"""WebP's limit, and beyond any screen."""
_LARGEST = 100_000_000
_SQUARE_ENOUGH = 0.01
_ODDEST = 10.0
"""Pixels longer than this are a slip of the header."""


@dataclass(frozen=True)
class Form:
    """What the picture is to be. Raises `ValueError` for a parameter out of range."""

    edge: int | None
    """Longest side in px, for None as it is."""
    media_type: str
    quality: int
    """Of JPEG and WebP, 1 to 100."""

    def __post_init__(self) -> None:
        if self.media_type not in _FORMATS:
            raise ValueError(f"{self.media_type} is not one of {', '.join(_FORMATS)}")
        if self.edge is not None and self.edge < 1:
            raise ValueError(f"an edge of {self.edge} px is no size")
        if not 1 <= self.quality <= 100:
            raise ValueError(f"quality {self.quality} is not from 1 to 100")


def encode(pixels: NDArray[np.uint8], height: float, form: Form) -> bytes:
    """The picture's file; `height` is that of a pixel whose width is 1."""
    image = Image.fromarray(pixels)
    size = fitted(image.size, height, form.edge)
    if size != image.size:
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    kind, options = _FORMATS[form.media_type]
    out = BytesIO()
    image.save(out, kind, quality=form.quality, **options)
    return out.getvalue()


def fitted(size: tuple[int, int], height: float, edge: int | None) -> tuple[int, int]:
    """Columns and rows of the picture: pixels made square without losing any, then reduced to `edge`."""
    columns, rows = float(size[0]), float(size[1])
    if height > 1:
        rows *= height
    else:
        columns /= height
    longest = min(edge or _LONGEST, _LONGEST)
    scale = min(1.0, longest / max(columns, rows), sqrt(_LARGEST / (columns * rows)))
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
