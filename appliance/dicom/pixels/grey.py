"""Stored values to greys: modality, then VOI, then presentation (PS3.3 C.11, PS3.4 N.2).

Values of up to 16 bits go through one table of all that there are, so a frame costs one look-up a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from appliance.dicom.pixels import lenient
from appliance.dicom.pixels.layout import Decoded, Layout
from appliance.dicom.pixels.lut import Lut, lut
from appliance.dicom.pixels.window import Window, windows
from appliance.dicom.source import Source

Greys = NDArray[np.uint8]

KEYWORDS = (
    "SOPClassUID",
    "Modality",
    "PixelIntensityRelationship",
    "RescaleSlope",
    "RescaleIntercept",
    "ModalityLUTSequence",
    "VOILUTSequence",
    "PresentationLUTShape",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "MaximumFractionalValue",
)

_OUTLIERS = 0.005
"""Share of the pixels at either end that an automatic window ignores: markers, metal, dead detector cells."""

_SAMPLED = 1 << 16
"""Pixels of a frame that are enough to see its range."""


@dataclass(frozen=True)
class Rescale:
    """The linear modality transformation."""

    slope: float
    intercept: float

    def look_up(self, stored: NDArray[Any]) -> NDArray[Any]:
        """Modality values, such as Hounsfield units."""
        return np.asarray(stored * self.slope + self.intercept)


@np.errstate(over="ignore", invalid="ignore")
def greys(decoded: Decoded, layout: Layout, source: Source, frame: int, window: Window | None) -> Greys:
    """The frame from 0, black, to 255, white; `window` takes the place of the file's own."""
    header, order = source.header, source.order
    wide = decoded.values.dtype.itemsize > 2
    codes = decoded.values if wide else _codes(decoded.values, layout.signed)
    stored = codes if layout.floating else _stored(codes, decoded, layout.signed)
    modality = _modality(header, frame, order, layout.signed)
    shown = modality.look_up(stored) if modality else stored
    voi = window or _voi(header, frame, order, signed=_may_be_negative(decoded, layout, modality, shown))
    if not voi and decoded.bits <= 8 and not layout.signed and not modality:
        voi = _full_range(header, decoded.bits)
    if not voi:
        counts = None if wide else _counts(decoded.values, codes, layout.signed)
        voi = _automatic(shown, counts, _is_padding(header, stored))
    shades = np.nan_to_num(voi.shades(shown))
    table = np.asarray((1 - shades if _is_inverted(header, layout) else shades) * 255 + 0.5, np.uint8)
    return table if wide else _looked_up(decoded.values, codes, table)


def _codes(values: NDArray[Any], signed: bool) -> NDArray[Any]:
    """All that lies between the lowest and the highest value: far fewer than are possible, in most images."""
    values = _numbers(values, signed)
    return np.arange(int(values.min()), int(values.max()) + 1)


def _numbers(values: NDArray[Any], signed: bool) -> NDArray[Any]:
    return values.view(f"i{values.dtype.itemsize}") if signed else values


def _counts(values: NDArray[Any], codes: NDArray[Any], signed: bool) -> NDArray[Any]:
    """How often each code occurs, by every so manieth row and column of a large frame."""
    step = max(1, round((values.size / _SAMPLED) ** 0.5))
    places = np.subtract(_numbers(values, signed)[::step, ::step], codes[0], dtype=np.intp)
    return np.bincount(places.ravel(), minlength=len(codes))


def _looked_up(values: NDArray[Any], codes: NDArray[Any], table: Greys) -> Greys:
    """The grey of each value, where `table` has one for each code."""
    every = np.zeros(1 << 8 * values.dtype.itemsize, np.uint8)
    every[codes & (len(every) - 1)] = table
    # No value is beyond the table, and `clip` spares numpy the look.
    return every.take(values, mode="clip")


def _may_be_negative(decoded: Decoded, layout: Layout, modality: Lut | Rescale | None, shown: NDArray[Any]) -> bool:
    """Whether the pixels may have values below zero, whichever this frame has."""
    if layout.floating or decoded.values.dtype.itemsize > 2:
        return bool(shown.min() < 0)
    top = (1 << decoded.bits) - 1
    ends = np.array([-(top // 2) - 1, top // 2] if layout.signed else [0, top])
    return bool((modality.look_up(ends) if modality else ends).min() < 0)


def _stored(codes: NDArray[Any], decoded: Decoded, signed: bool) -> NDArray[np.int64]:
    """What the bits in use say; those above may hold an overlay (PS3.5 8.1.2)."""
    values = (codes.astype(np.int64) >> decoded.shift) & ((1 << decoded.bits) - 1)
    half = 1 << (decoded.bits - 1)
    return (values ^ half) - half if signed else values


def _is_for_display(header: Dataset) -> bool:
    """The modality table of angiography undoes a logarithm, for measuring (PS3.3 C.8.7.1.1.2)."""
    is_angiography = lenient.text(header, "SOPClassUID").startswith("1.2.840.10008.5.1.4.1.1.12.")
    return not (is_angiography and lenient.text(header, "PixelIntensityRelationship") in ("LOG", "DISP"))


def _modality(header: Dataset, frame: int, order: str, signed: bool) -> Lut | Rescale | None:
    for item in lenient.items(header, "ModalityLUTSequence")[:1]:
        if not _is_for_display(header):
            break
        if table := lut(item, order, signed):
            return table
    for group in lenient.of_frame(header, frame, "PixelValueTransformationSequence"):
        slope, intercept = lenient.number(group, "RescaleSlope"), lenient.number(group, "RescaleIntercept")
        # A slope of 0 would leave one grey; it is what some write who mean none.
        if slope is not None and intercept is not None:
            return None if (slope, intercept) == (1, 0) else Rescale(slope or 1.0, intercept)
    return None


def _voi(header: Dataset, frame: int, order: str, signed: bool) -> Lut | Window | None:
    for group in lenient.of_frame(header, frame, "FrameVOILUTSequence"):
        for item in lenient.items(group, "VOILUTSequence")[:1]:
            if table := lut(item, order, signed):
                return table
    return next(iter(windows(header, frame).values()), None)


def _full_range(header: Dataset, bits: int) -> Window | None:
    """Small unsigned values without a window are greys already; a segmentation's are labels or fractions."""
    top = (1 << bits) - 1
    if lenient.text(header, "Modality") == "SEG" and bits > 1:
        fraction = lenient.number(header, "MaximumFractionalValue")
        return _from_to(0, fraction) if fraction else None
    return _from_to(0, top)


def _automatic(shown: NDArray[Any], counts: NDArray[Any] | None, padding: NDArray[np.bool_]) -> Window:
    """The range of nearly all pixels; of all where nearly all are the same."""
    flat = shown.ravel()
    weights = np.ones(flat.size, np.int64) if counts is None else counts
    for usable in (~padding.ravel(), True):
        kept = (weights > 0) & np.isfinite(flat) & usable
        if kept.any():
            break
    else:
        return _from_to(0, 0)
    order = np.argsort(flat[kept])
    values, reached = flat[kept][order], weights[kept][order].cumsum()
    low, high = values[np.searchsorted(reached, np.array([_OUTLIERS, 1 - _OUTLIERS]) * reached[-1])]
    return _from_to(low, high) if high > low else _from_to(values[0], values[-1])


def _is_padding(header: Dataset, stored: NDArray[Any]) -> NDArray[np.bool_]:
    """Which values are outside of the image (PS3.3 C.7.5.1.1.2)."""
    ends = lenient.numbers(header, "PixelPaddingValue")[:1]
    if not ends:
        return np.zeros(stored.shape, np.bool_)
    ends += lenient.numbers(header, "PixelPaddingRangeLimit")[:1]
    return (stored >= min(ends)) & (stored <= max(ends))


def _is_inverted(header: Dataset, layout: Layout) -> bool:
    """Digital X-ray says the same thing twice: MONOCHROME1 and shape INVERSE (PS3.3 C.8.11.3)."""
    return layout.photometric == "MONOCHROME1" or lenient.text(header, "PresentationLUTShape") == "INVERSE"


def _from_to(low: float, high: float) -> Window:
    return Window((float(low) + float(high)) / 2, float(high) - float(low), "LINEAR_EXACT")
