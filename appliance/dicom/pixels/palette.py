"""Palette colours: stored values are places in three tables (PS3.3 C.7.6.3.1.5, C.7.9)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from appliance.dicom.pixels import lenient
from appliance.dicom.pixels.layout import Decoded
from appliance.dicom.pixels.lut import entries_of

_COLOURS = ("Red", "Green", "Blue")

KEYWORDS = (
    "PixelPresentation",
    *(
        name.format(colour)
        for colour in _COLOURS
        for name in (
            "{}PaletteColorLookupTableDescriptor",
            "{}PaletteColorLookupTableData",
            "Segmented{}PaletteColorLookupTableData",
        )
    ),
)


def colours(decoded: Decoded, header: Dataset, order: str) -> NDArray[np.uint8]:
    """The frame as (rows, columns, 3). Raises `ValueError` when a table is missing or malformed."""
    first, tables = _tables(header, order)
    return np.take(tables, (_stored(decoded) - first).clip(0, len(tables) - 1), axis=0)


def is_supplemental(header: Dataset) -> bool:
    """Whether the tables only colour the upper values of a grey picture, as in perfusion maps."""
    return lenient.text(header, "PixelPresentation") in ("COLOR", "MIXED") and bool(
        lenient.numbers(header, "RedPaletteColorLookupTableDescriptor")
    )


def supplemented(greys: NDArray[np.uint8], decoded: Decoded, header: Dataset, order: str) -> NDArray[np.uint8]:
    """The greys with the supplemental palette's colours over them (PS3.3 C.7.6.19), as (rows, columns, 3)."""
    first, tables = _tables(header, order)
    places = _stored(decoded) - first
    coloured = np.take(tables, places.clip(0, len(tables) - 1), axis=0)
    return np.where((places >= 0)[..., None], coloured, greys[..., None])


def _stored(decoded: Decoded) -> NDArray[np.int32]:
    return np.asarray(decoded.values >> decoded.shift & ((1 << decoded.bits) - 1), np.int32)


def _tables(header: Dataset, order: str) -> tuple[int, NDArray[np.uint8]]:
    """The first stored value that the tables are for, and the tables as (entries, 3)."""
    described = lenient.numbers(header, "RedPaletteColorLookupTableDescriptor")
    if len(described) != 3:
        raise ValueError("it has no colour palette")
    entries, first, bits = (int(one) for one in described)
    entries = entries or 1 << 16
    raw = [_entries(header, colour, entries, bits, order) for colour in _COLOURS]
    shortest = min(len(one) for one in raw)
    if not shortest:
        raise ValueError("its colour palette is empty")
    wide = np.stack([one[:shortest] for one in raw], axis=-1)
    # 16 bits an entry are said by many whose colours have 8.
    return first, np.asarray(wide >> 8 if bits > 8 and wide.max() > 0xFF else wide, np.uint8)


def _entries(header: Dataset, colour: str, entries: int, bits: int, order: str) -> NDArray[np.uint16]:
    plain = lenient.value(header, f"{colour}PaletteColorLookupTableData")
    if plain:
        return entries_of(plain, entries, order)
    segmented = lenient.value(header, f"Segmented{colour}PaletteColorLookupTableData")
    if not isinstance(segmented, bytes):
        return np.zeros(0, np.uint16)
    words = np.frombuffer(segmented, f"{order}u2" if bits > 8 else "u1", len(segmented) // (2 if bits > 8 else 1))
    return np.asarray(_expanded(words.tolist(), entries, bits), np.uint16)


def _expanded(words: list[int], entries: int, bits: int) -> list[int]:
    """The entries of a segmented table (PS3.3 C.7.9.2), no more than it says it has."""
    out: list[int] = []
    place = 0
    while place + 2 < len(words) and len(out) < entries:
        place = _segment(words, place, out, bits, nested=False)
    return out[:entries]


def _segment(words: list[int], place: int, out: list[int], bits: int, nested: bool) -> int:
    """Expands one segment into `out` and gives the place of the next."""
    kind, length = words[place : place + 2]
    place += 2
    if kind == 0:
        out += words[place : place + length]
        return place + length
    if kind == 1:
        start = out[-1] if out else 0
        out += np.rint(np.linspace(start, words[place], length + 1)[1:]).astype(int).tolist()
        return place + 1
    if kind == 2 and not nested:
        return _indirect(words, place, length, out, bits)
    raise ValueError(f"its colour palette has a segment of kind {kind}")


def _indirect(words: list[int], place: int, length: int, out: list[int], bits: int) -> int:
    """Segments from elsewhere once more; the standard forbids these to be indirect in turn."""
    size, each = (2, 16) if bits > 8 else (4, 8)
    source = sum(word << each * n for n, word in enumerate(words[place : place + size]))
    for _ in range(length):
        source = _segment(words, source, out, bits, nested=True)
    return place + size
