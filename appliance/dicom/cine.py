"""How fast the frames of an instance are meant to be shown (PS3.3 C.7.6.5)."""

from __future__ import annotations

from typing import Any

import orjson

USUAL = 10.0
"""Frames per second where the file says nothing."""
_FASTEST = 60.0
_RECOMMENDED = "00082144"
_CINE_RATE = "00180040"
_FRAME_TIME = "00181063"
"""Milliseconds between frames."""


def frame_rate(metadata: bytes) -> float:
    """Frames per second, 1 to 60, by the instance's DICOM JSON (PS3.18 Annex F)."""
    model: dict[str, Any] = orjson.loads(metadata)
    frame_time = _number(model, _FRAME_TIME)
    rate = _number(model, _RECOMMENDED) or _number(model, _CINE_RATE) or (1000 / frame_time if frame_time else USUAL)
    return min(max(rate, 1.0), _FASTEST)


def _number(model: dict[str, Any], tag: str) -> float:
    """The first value if it is a number above zero, else 0."""
    values = model.get(tag, {}).get("Value") or [0]
    try:
        return max(float(values[0]), 0.0)
    except (TypeError, ValueError):
        return 0.0
