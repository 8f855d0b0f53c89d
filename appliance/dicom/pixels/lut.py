"""Lookup tables of the header: modality, VOI and palette (PS3.3 C.11.1.1, C.11.2.1.1, C.7.6.3.1.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from appliance.dicom.pixels import lenient


@dataclass(frozen=True)
class Lut:
    """A table, and the input that its first entry is for."""

    first: int
    table: NDArray[Any]
    top: int
    """The largest output."""

    def look_up(self, values: NDArray[Any]) -> NDArray[Any]:
        """The outputs; inputs beyond either end get the entry at that end."""
        low, high = self.first, self.first + len(self.table) - 1
        return self.table[np.asarray(np.rint(values).clip(low, high) - low, np.intp)]

    def shades(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """The outputs from 0 to 1."""
        return self.look_up(values) / max(1, self.top)


def lut(item: Dataset, order: str, signed: bool) -> Lut | None:
    """The table of a Modality or VOI LUT Sequence item; None when it is malformed.

    `signed` tells whether inputs may be negative, which the descriptor's second value has no VR to say.
    """
    described = lenient.numbers(item, "LUTDescriptor")
    if len(described) != 3:
        return None
    entries, first, bits = (int(one) for one in described)
    if signed and first > 0x7FFF:
        first -= 0x10000
    table = entries_of(lenient.value(item, "LUTData"), entries or 1 << 16, order)
    if not len(table):
        return None
    # Some say 8 or 12 bits of a table of 16.
    return Lut(first, table, max((1 << bits) - 1 if 0 < bits <= 16 else 0, int(table.max())))


def entries_of(raw: object, count: int, order: str) -> NDArray[np.uint16]:
    """A table's data, which VR and writer give as words, as numbers or as bytes; empty when absent."""
    if isinstance(raw, bytes):
        kind = f"{order}u2" if len(raw) >= 2 * count else "u1"
        return np.frombuffer(raw, kind, len(raw) // np.dtype(kind).itemsize)[:count].astype(np.uint16)
    many = [raw] if isinstance(raw, int) else raw
    if not isinstance(many, (list, tuple)) and not hasattr(many, "__iter__"):
        return np.zeros(0, np.uint16)
    return (np.asarray(list(many), np.int64)[:count] & 0xFFFF).astype(np.uint16)
