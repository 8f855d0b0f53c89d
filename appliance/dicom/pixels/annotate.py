"""Text drawn into the corners of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from appliance.dicom.annotation import Annotation

_FONT = "DejaVuSans.ttf"
"""Of Debian's fonts-dejavu-core, with the letters of most names; Pillow's own has only Latin ones."""
_SMALLEST, _LINES_HIGH = 9, 34
"""Pixels of the letters, and how many lines a picture is high."""
_SPACING = 1.25


def annotated(image: Image.Image, notes: Annotation) -> Image.Image:
    """`image`, a new one, with whose it is at the top left and how it was made at the bottom left.

    White with a black rim, which can be read on any grey; what is too long for the picture is cut.
    """
    if image.mode not in ("L", "RGB"):
        image = image.convert("RGB")
    drawn = image.copy()
    size = max(_SMALLEST, min(image.size) // _LINES_HIGH)
    line = int(size * _SPACING)
    _write(drawn, notes.patient, line // 2, size)
    _write(drawn, notes.technique, image.height - len(notes.technique) * line - line // 2, size)
    return drawn


def _write(image: Image.Image, lines: Sequence[str], top: int, size: int) -> None:
    draw, font = ImageDraw.Draw(image), _font(size)
    black, white = (0, 255) if image.mode == "L" else ((0, 0, 0), (255, 255, 255))
    for number, text in enumerate(lines):
        place = (size // 2, top + int(number * size * _SPACING))
        draw.text(place, text, fill=white, font=font, stroke_width=max(1, size // 14), stroke_fill=black)


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    try:
        return ImageFont.truetype(_FONT, size)
    except OSError:
        return ImageFont.load_default(size)
