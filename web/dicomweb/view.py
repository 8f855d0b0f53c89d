"""How a rendered picture is asked for (PS3.18 8.3.5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from appliance.dicom import annotation
from appliance.dicom.pixels import Viewport, Window

_FUNCTIONS = {"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}
_PROFILES = frozenset(("no", "yes", "srgb", "adobergb", "rommrgb", "displayp3"))
_INTEGER = re.compile(r"[+-]?[0-9]{1,6}(\.0*)?")
_QUALITY = 85


@dataclass(frozen=True)
class View:
    """What the parameters ask for."""

    viewport: Viewport | None = None
    window: Window | None = None
    quality: int = _QUALITY
    annotation: tuple[str, ...] = ()
    """What is written into the picture, of `annotation.KINDS`."""
    profiled: bool = False
    """Whether the ICC profile of the image goes along; colours are never changed to those of another one."""


def read(query: Mapping[str, str]) -> View:
    """The view that `query` asks for; raises ValueError for a parameter that can't be right."""
    profile = query.get("iccprofile", "no")
    if profile not in _PROFILES:
        raise ValueError(f"iccprofile is one of {', '.join(sorted(_PROFILES))}")
    return View(
        _viewport(query.get("viewport")),
        _window(query.get("window")),
        _quality(query.get("quality")),
        _annotation(query.get("annotation")),
        profile == "yes",
    )


def _viewport(text: str | None) -> Viewport | None:
    """`vw,vh` or `vw,vh,sx,sy,sw,sh`, of which the last four may be empty (8.3.5.1.3)."""
    if text is None:
        return None
    words = [word.strip() for word in text.split(",")]
    if len(words) not in (2, 6) or not all(words[:2]) or not all(map(_INTEGER.fullmatch, filter(None, words))):
        raise ValueError("viewport is width,height or width,height,left,top,width,height in px")
    numbers = [int(float(word)) if word else None for word in words]
    columns, rows, left, top, width, height = [*numbers, None, None, None, None][:6]
    return Viewport(columns or 0, rows or 0, left or 0, top or 0, width, height)


def _window(text: str | None) -> Window | None:
    """`centre,width,function` (8.3.5.1.4)."""
    if text is None:
        return None
    words = [word.strip().lower() for word in text.split(",")]
    try:
        centre, width, function = (
            float(words[0]),
            float(words[1]),
            _FUNCTIONS[(words[2:] or ["linear"])[0].replace("_", "-")],
        )
    except (ValueError, LookupError) as fault:
        raise ValueError(f"window is centre,width,function with one of {', '.join(_FUNCTIONS)}") from fault
    if len(words) > 3 or not isfinite(centre) or not isfinite(width) or width <= 0:
        raise ValueError("a window has a centre, a width above 0 and a function")
    return Window(centre, width, function)


def _quality(text: str | None) -> int:
    if text is None:
        return _QUALITY
    if not _INTEGER.fullmatch(text) or not 1 <= int(float(text)) <= 100:
        raise ValueError("quality is a whole number from 1 to 100")
    return int(float(text))


def _annotation(text: str | None) -> tuple[str, ...]:
    """`patient`, `technique` or both, with a comma between (8.3.5.1.1)."""
    words = {word.strip().lower().strip('"') for word in (text or "").split(",")} - {""}
    if text is not None and (not words or not words <= set(annotation.KINDS)):
        raise ValueError(f"annotation is {' or '.join(annotation.KINDS)}, or both with a comma between")
    return tuple(kind for kind in annotation.KINDS if kind in words)
