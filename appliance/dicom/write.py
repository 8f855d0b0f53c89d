"""A small data set as bytes in any uncompressed transfer syntax: answers to queries, lists of UIDs."""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from appliance.dicom.json import Json
from appliance.dicom.matching import text
from appliance.dicom.repertoire import ANY, Repertoire

_IMPLICIT = "1.2.840.10008.1.2"
_BIG = "1.2.840.10008.1.2.2"
_LONG = frozenset("OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
"""VRs with a length of four bytes (PS3.5 7.1.2)."""
_NUMBERS = {"US": "H", "UL": "I", "UV": "Q", "SS": "h", "SL": "i", "SV": "q", "FL": "f", "FD": "d"}
_ITEM = 0xFFFEE000
_MOST_SHORT = 0xFFFE
_CHARACTER_SET = 0x00080005

Values = Mapping[int, tuple[str, Any]]
"""VR and value by tag: text, several values joined by backslashes; the `Values` of each item of a sequence; bytes."""


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
        for tag, (vr, value) in values.items():
            raw = self._value(vr, value, wanted)
            if raw is None:
                return None
            written[tag] = self.element(tag, vr, raw)
        return written

    def _value(self, vr: str, value: str | bytes | Sequence[Values], wanted: Repertoire) -> bytes | None:
        if isinstance(value, bytes):
            return value
        if not isinstance(value, str):
            return self._items(value, wanted)
        return self._numbers(vr, value) if vr in _NUMBERS or vr == "AT" else wanted.encode(value, vr)

    def _items(self, items: Sequence[Values], wanted: Repertoire) -> bytes | None:
        written = bytearray()
        for item in items:
            encoded = self._encoded(item, wanted)
            if encoded is None:
                return None
            body = b"".join(encoded[tag] for tag in sorted(encoded))
            written += struct.pack(f"{self.order}HHI", _ITEM >> 16, _ITEM & 0xFFFF, len(body)) + body
        return bytes(written)

    def _numbers(self, vr: str, value: str) -> bytes:
        """What of the values are such numbers."""
        packed = b""
        for part in value.split("\\"):
            with suppress(ValueError, OverflowError, struct.error):
                packed += self._number(vr, part)
        return packed

    def _number(self, vr: str, value: str) -> bytes:
        if vr == "AT":
            tag = int(value, 16)
            return struct.pack(f"{self.order}HH", tag >> 16, tag & 0xFFFF)
        return struct.pack(self.order + _NUMBERS[vr], float(value) if vr in ("FL", "FD") else int(value))

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


def from_json(model: Json) -> Values:
    """A DICOM JSON object (PS3.18 Annex F) to be written, in whatever character set that will be."""
    return {int(tag, 16): (each["vr"], _of(each)) for tag, each in model.items() if int(tag, 16) != _CHARACTER_SET}


def _of(element: Json) -> str | bytes | list[Values]:
    if "InlineBinary" in element:
        return base64.b64decode(element["InlineBinary"])
    given = element.get("Value", ())
    if element["vr"] == "SQ":
        return [from_json(item or {}) for item in given]
    return "\\".join("" if value is None else text(value) for value in given)


def writer(transfer_syntax: str) -> Writer:
    """For an uncompressed transfer syntax."""
    return Writer(transfer_syntax != _IMPLICIT, ">" if transfer_syntax == _BIG else "<")
