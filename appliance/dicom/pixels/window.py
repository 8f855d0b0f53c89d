"""Which range of values is spread over the greys (PS3.3 C.11.2), and the ranges offered by name."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from appliance.dicom.pixels import lenient
from appliance.dicom.source import opened, refusing

Floats = NDArray[np.float64]

_STEEPEST = 60.0
"""e to this is enough for black and white, and does not overflow."""


@dataclass(frozen=True)
class Window:
    """A range of modality values, such as Hounsfield units."""

    centre: float
    width: float
    function: str = "LINEAR"
    """`LINEAR`, `LINEAR_EXACT` or `SIGMOID` (PS3.3 C.11.2.1.2 and .3)."""

    def __post_init__(self) -> None:
        """Raises `ValueError` for a range that is none."""
        if not (isfinite(self.centre) and isfinite(self.width) and self.width >= 0):
            raise ValueError(f"a window around {self.centre} of width {self.width} is no range of values")

    def shades(self, values: NDArray[Any]) -> Floats:
        """The values as shades from 0 to 1."""
        if self.function == "SIGMOID" and self.width:
            slope = -4 * (values - self.centre) / self.width
            return np.asarray(1 / (1 + np.exp(slope.clip(-_STEEPEST, _STEEPEST))))
        # LINEAR is made for integers, so files with a window narrower than one unit mean LINEAR_EXACT.
        half = 0.5 if self.function != "LINEAR_EXACT" and self.width >= 1 else 0.0
        width = self.width - 2 * half
        if not width:
            return np.asarray(values > self.centre - half, np.float64)
        return np.asarray(((values - (self.centre - half)) / width + 0.5).clip(0, 1))


_OF_CT = {
    "Soft tissue": Window(40, 400),
    "Lung": Window(-600, 1500),
    "Bone": Window(400, 1800),
    "Brain": Window(40, 80),
}

KEYWORDS = (
    "WindowCenter",
    "WindowWidth",
    "WindowCenterWidthExplanation",
    "VOILUTFunction",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
)


def presets(path: Path, frame: int = 1) -> dict[str, Window]:
    """The windows worth offering for an instance, by name, the one that `render` takes first.

    Those of the file if it has several; for CT in Hounsfield units also the usual ones of that trade.
    Raises `NothingToShowError` when the file is damaged.
    """
    units = ("RescaleSlope", "RescaleType", "ModalityLUTSequence")
    with opened(path, (*KEYWORDS, *units, "Modality", "PhotometricInterpretation")) as source, refusing():
        named = windows(source.header, frame)
        if _in_hounsfield_units(source.header, frame):
            return _without_doubles({**named, **{k: v for k, v in _OF_CT.items() if k not in named}})
        return named if len(named) > 1 else {}


def windows(header: Dataset, frame: int) -> dict[str, Window]:
    """The usable windows of a frame by name, the default first; unusable ones occur and are left out."""
    for group in lenient.of_frame(header, frame, "FrameVOILUTSequence"):
        centres, widths = lenient.numbers(group, "WindowCenter"), lenient.numbers(group, "WindowWidth")
        function = lenient.text(group, "VOILUTFunction") or "LINEAR"
        found = {
            name: Window(centre, width, function)
            for centre, width, name in zip(centres, widths, _names(group, len(centres)), strict=False)
            if width > 0
        }
        if found:
            return _without_doubles(found)
    return {}


def _names(group: Dataset, count: int) -> list[str]:
    """The file's own explanations; where it has none, or the same twice, numbers."""
    said = lenient.value(group, "WindowCenterWidthExplanation")
    given = [str(one).strip() for one in (said if isinstance(said, (MultiValue, list)) else [said or ""])]
    names: list[str] = []
    for place, (_, name) in enumerate(zip_longest(range(count), given[:count], fillvalue="")):
        free = name if name and name not in names else ""
        names.append(free or ("Default" if place == 0 else f"Window {place + 1}"))
    return names


def _without_doubles(named: dict[str, Window]) -> dict[str, Window]:
    """One name for each range: the first."""
    first = {window: name for name, window in reversed(named.items())}
    return {name: window for name, window in named.items() if first[window] == name}


def _in_hounsfield_units(header: Dataset, frame: int) -> bool:
    if lenient.text(header, "Modality") != "CT":
        return False
    if not lenient.text(header, "PhotometricInterpretation").startswith("MONOCHROME"):
        return False
    groups = list(lenient.of_frame(header, frame, "PixelValueTransformationSequence"))
    kind = next((kind for group in groups if (kind := lenient.text(group, "RescaleType"))), "HU")
    return kind == "HU" and any("RescaleSlope" in group for group in groups)
