"""A small data set as bytes in any uncompressed transfer syntax: answers to queries, lists of UIDs."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from appliance.dicom.repertoire import ANY, Repertoire

_IMPLICIT = "1.2.840.10008.1.2"
_BIG = "1.2.840.10008.1.2.2"
_LONG = frozenset("OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
"""VRs with a length of four bytes (PS3.5 7.1.2)."""
_NUMBERS = {"US": "H", "UL": "I", "SS": "h", "SL": "i"}
_MOST_SHORT = 0xFFFE
_CHARACTER_SET = 0x00080005

Values = Mapping[int, tuple[str, str]]
"""VR and text by tag, several values joined by backslashes."""


@dataclass(frozen=True)
class Writer:
    """Writes data sets in one transfer syntax."""

    explicit: bool
    order: str
    """Of bytes, as `struct` has it."""

    def data_set(self, values: Values, wanted: Repertoire) -> bytes:
        """`values` in the character set that is `wanted`, or in UTF-8 when that cannot carry them."""
        encoded = self._encoded(values, wanted)
        chosen = wanted if encoded is not None else ANY
        written = encoded if encoded is not None else self._encoded(values, ANY) or {}
        if chosen.name:
            written[_CHARACTER_SET] = self.element(_CHARACTER_SET, "CS", chosen.name.encode("ascii"))
        return b"".join(written[tag] for tag in sorted(written))

    def _encoded(self, values: Values, wanted: Repertoire) -> dict[int, bytes] | None:
        written = {}
        for tag, (vr, text) in values.items():
            value = self._number(vr, text) if vr in _NUMBERS else wanted.encode(text, vr)
            if value is None:
                return None
            written[tag] = self.element(tag, vr, value)
        return written

    def _number(self, vr: str, text: str) -> bytes:
        numbers = [int(part) for part in text.split("\\") if part.strip().lstrip("+-").isdigit()]
        size = struct.calcsize(_NUMBERS[vr])
        fitting = [number for number in numbers if -1 < number < 1 << 8 * size or vr in ("SS", "SL")]
        return struct.pack(f"{self.order}{len(fitting)}{_NUMBERS[vr]}", *fitting)

    def element(self, tag: int, vr: str, value: bytes) -> bytes:
        """One element, padded to an even length."""
        value += (b"\0" if vr == "UI" else b" ") * (len(value) % 2)
        head = struct.pack(f"{self.order}HH", tag >> 16, tag & 0xFFFF)
        if not self.explicit:
            return head + struct.pack(f"{self.order}I", len(value)) + value
        if vr in _LONG:
            return head + vr.encode() + struct.pack(f"{self.order}HI", 0, len(value)) + value
        if len(value) > _MOST_SHORT:  # too long for its own VR: UN has room (PS3.5 6.2.2)
            return head + b"UN" + struct.pack(f"{self.order}HI", 0, len(value)) + value
        return head + vr.encode() + struct.pack(f"{self.order}H", len(value)) + value


def writer(transfer_syntax: str) -> Writer:
    """For an uncompressed transfer syntax."""
    return Writer(transfer_syntax != _IMPLICIT, ">" if transfer_syntax == _BIG else "<")
