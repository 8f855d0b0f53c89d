"""What the header says of the pixels, checked before anything is decoded (PS3.3 C.7.6.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from pydicom.dataset import Dataset

from appliance.dicom.pixels import lenient
from appliance.dicom.source import Bulk, NothingToShowError, Source

MAX_SAMPLES = 100_000_000
"""Four of the largest mammograms; what claims more is a decompression bomb, or no image for a phone."""

_FLOATS = {0x7FE00008: 32, 0x7FE00009: 64}

KEYWORDS = (
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelDataProviderURL",
)


@dataclass(frozen=True)
class Layout:
    """The Image Pixel module, with what is missing filled in."""

    rows: int
    columns: int
    samples: int
    photometric: str
    by_plane: bool
    frames: int
    allocated: int
    stored: int
    shift: int
    """Unused bits below the stored ones; none since HighBit has been fixed, some in old files."""
    signed: bool
    floating: bool

    @property
    def pixels(self) -> int:
        """In a frame."""
        return self.rows * self.columns

    @property
    def frame_bits(self) -> int:
        """A native frame's length; frames of single bits need not end with a byte (PS3.5 8.1.1)."""
        return self.pixels * self.samples * self.allocated


@dataclass(frozen=True)
class Decoded:
    """A frame's stored values in their containers, with sign and unused bits as they came."""

    values: NDArray[Any]
    """(rows, columns) or (rows, columns, 3); unsigned integers or floats."""
    bits: int
    """How many of the container's bits count."""
    shift: int
    """How many lie below them."""
    photometric: str
    """What the values are, whatever the header says of them."""


def pixels_of(source: Source) -> Bulk:
    """Where the pixels are. Raises `NothingToShowError` when there are none, saying what there is."""
    if (pixels := source.pixels) and pixels.length:
        return pixels
    if source.document:
        raise NothingToShowError("The file holds a document, not a picture.")
    if lenient.value(source.header, "PixelDataProviderURL"):
        raise NothingToShowError("The file's picture is kept on another server.")
    raise NothingToShowError("The file has no pixel data.")


def layout(source: Source) -> Layout:
    """The layout of an instance's pixels.

    Raises `NothingToShowError` when there are none, or more than anyone could look at.
    """
    header = source.header
    pixels_of(source)
    rows, columns, allocated = (_count(header, k) for k in ("Rows", "Columns", "BitsAllocated"))
    samples = _count(header, "SamplesPerPixel") or 1
    if not rows or not columns:
        raise NothingToShowError("The file does not say how many rows and columns its picture has.")
    if rows * columns * samples > MAX_SAMPLES:
        raise NothingToShowError(f"The picture is too large to show: {columns} x {rows} pixels.")
    if samples not in (1, 3):
        raise NothingToShowError(f"Pictures with {samples} samples per pixel cannot be shown.")
    floating = next((bits for tag, bits in _FLOATS.items() if tag in source.bulk), 0)
    allocated = floating or allocated or 8
    if allocated not in (1, 8, 12, 16, 32, 64):
        raise NothingToShowError(f"Pixels of {allocated} bits cannot be shown.")
    stored = min(_count(header, "BitsStored") or allocated, allocated)
    high = _count(header, "HighBit")
    return Layout(
        rows=rows,
        columns=columns,
        samples=samples,
        photometric=lenient.text(header, "PhotometricInterpretation") or ("MONOCHROME2" if samples == 1 else "RGB"),
        by_plane=_count(header, "PlanarConfiguration") == 1,
        frames=max(1, _count(header, "NumberOfFrames")),
        allocated=allocated,
        stored=stored,
        shift=high + 1 - stored if stored <= high < allocated else 0,
        signed=_count(header, "PixelRepresentation") == 1,
        floating=bool(floating),
    )


def _count(header: Dataset, keyword: str) -> int:
    return max(0, int(lenient.number(header, keyword) or 0))
