"""An element's value, from its bytes to DICOM JSON (PS3.18 Annex F) and to the text that the index keeps.

What the bytes of ordinary values mean is settled here, at once. Whatever is out of the ordinary is decoded by
pydicom, so that both readers say the same of it.
"""

from __future__ import annotations

import math
import struct
import warnings
from binascii import b2a_base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from pydicom.charset import convert_encodings, decode_bytes, python_encoding
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.hooks import raw_element_value
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag
from pydicom.valuerep import TEXT_VR_DELIMS
from pydicom.values import convert_string

from appliance.dicom import json
from appliance.dicom.kinds import Kind, Unsure
from appliance.dicom.words import turned

_MAX_TEXT = 1024
"""Longer than any VR that we index allows; what is longer is cut, the file keeps it."""
_EXACT = 15
"""Digits of an integer that a float holds exactly, as pydicom compares them."""
_ESCAPE = b"\x1b"
_ENCODINGS = frozenset(python_encoding.values())

Values = tuple[list[Any], list[Any]]
"""Values for JSON, None where empty; and as text says them."""


@dataclass(frozen=True, eq=False)
class Charset:
    """The character sets of a data set (PS3.3 C.12.1.1.2)."""

    encodings: tuple[str, ...]
    """Python's names."""
    plain: bool
    """Whether bytes below 0x80 always are ASCII."""

    def decode(self, value: bytes) -> str:
        """The text in `value`."""
        if self.plain and value.isascii() and _ESCAPE not in value:
            return value.decode("ascii")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return decode_bytes(value, self.encodings, TEXT_VR_DELIMS)


_DEFAULT = (python_encoding[""],)


@lru_cache(64)
def charset(value: bytes) -> Charset:
    """The character sets that the value of (0008,0005) names."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            encodings = tuple(convert_encodings(convert_string(value, True)))
    except json.UNDECODABLE as fault:
        raise Unsure("a character set that is none") from fault
    if not _ENCODINGS.issuperset(encodings):
        raise Unsure("a character set that DICOM does not have")
    return Charset(encodings, plain=not encodings[0].startswith("iso2022"))


def is_ascii(encodings: Sequence[str]) -> bool:
    """Whether these are Python's names of the default repertoire alone, in which pydicom takes Latin-1 too."""
    return tuple(encodings) == _DEFAULT


def member(kind: Kind, value: bytes, charset: Charset) -> tuple[bytes, str | None]:
    """The member of a JSON object for an element with a value, and its text where the index keeps it."""
    if kind.vr in json.BULK_VRS:
        encoded = b2a_base64(turned(kind.vr, value) if kind.order == ">" else value, newline=False)
        return b'%b"InlineBinary":"%b",%b' % (kind.key, encoded, kind.tail), None
    try:
        values, texts = _DECODERS[kind.vr](value, kind.order, charset)
    except (ValueError, LookupError, struct.error):
        return _by_pydicom(kind, value, charset)
    text = kept(joined(texts if len(texts) > 1 else texts[0]), kind.indexed) if kind.indexed else None
    while values and values[-1] is None:
        values.pop()
    if not values:
        return kind.empty, text
    return b'%b"Value":%b,%b' % (kind.key, orjson.dumps(values), kind.tail), text


member_again = lru_cache(1 << 12)(member)
"""`member` for short values: most are the same in all images of a series."""


def joined(value: Any) -> str:
    """A decoded value as text, several values joined by a backslash."""
    if value is None:
        return ""
    if isinstance(value, (MultiValue, list, tuple)):
        return "\\".join(str(v) for v in value)
    return str(value).strip(" \0").replace("\0", "")


def kept(text: str, vr: str) -> str:
    """The text of an attribute of this VR as the index keeps it: malformed dates and numbers are empty."""
    text = text[:_MAX_TEXT]
    if vr == "DA":
        return text if len(text) == 8 and text.isdigit() else _old_date(text)
    if vr in ("IS", "US"):
        return text if text.lstrip("+-").isdigit() else ""
    return text


def _old_date(text: str) -> str:
    """`1997.04.24` of ACR-NEMA days as `19970424` (PS3.5 6.2, note to DA)."""
    digits = text.replace(".", "")
    return digits if len(text) == 10 and len(digits) == 8 and digits.isdigit() else ""


def _by_pydicom(kind: Kind, value: bytes, charset: Charset) -> tuple[bytes, str | None]:
    raw = RawDataElement(BaseTag(kind.tag), kind.told, len(value), value, 0, kind.told is None, kind.order == "<")
    data: dict[str, Any] = {"VR": kind.vr}
    model: json.Json = {"vr": kind.told or "UN"}
    text = ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            raw_element_value(raw, data, encoding=list(charset.encodings))
            text = joined(data["value"])
            element = DataElement(raw.tag, kind.vr, data["value"], already_converted=True)
            model = json.encoded(element, "", _no_bulk)
    except json.UNDECODABLE as fault:
        if kind.indexed:
            raise Unsure("an indexed attribute that its VR forbids") from fault
    encoded = orjson.dumps(model, option=orjson.OPT_SORT_KEYS)
    return kind.key + encoded[1:], kept(text, kind.indexed) if kind.indexed else None


def _no_bulk(_path: str) -> str:
    raise Unsure("a value that pydicom takes for binary")


def _told(texts: list[str]) -> Values:
    return [text or None for text in texts], texts


def _words(value: bytes, _order: str, _charset: Charset) -> Values:
    return _told(value.decode("latin-1").rstrip(" \0").split("\\"))


def _titles(value: bytes, _order: str, _charset: Charset) -> Values:
    return _told([text.strip() for text in value.decode("latin-1").split("\\")])


def _uids(value: bytes, _order: str, _charset: Charset) -> Values:
    return _told([text.strip() for text in value.decode("latin-1").rstrip(" \0").split("\\")])


def _url(value: bytes, _order: str, _charset: Charset) -> Values:
    return _told([value.decode("latin-1").rstrip()])


def _texts(value: bytes, _order: str, charset: Charset) -> Values:
    return _told([text.rstrip("\0 ") for text in charset.decode(value).split("\\")])


def _text(value: bytes, _order: str, charset: Charset) -> Values:
    return _told([charset.decode(value).rstrip("\0 ")])


def _names(value: bytes, _order: str, charset: Charset) -> Values:
    if not (charset.plain and value.isascii() and _ESCAPE not in value):
        raise ValueError("a name that is not ASCII")
    names = [name.rstrip("=") for name in value.decode("ascii").rstrip(" \0").split("\\")]
    return [json.person_name(name) for name in names], names


def _decimals(value: bytes, _order: str, _charset: Charset) -> Values:
    texts = value.decode("latin-1").strip().rstrip(" \0").split("\\")
    return [json.decimal(float(text)) if text else None for text in texts], texts


def _integers(value: bytes, _order: str, _charset: Charset) -> Values:
    texts = value.decode("latin-1").rstrip(" \0").split("\\")
    return [_integer(text) if text else None for text in texts], [text.strip() for text in texts]


def _integer(text: str) -> int:
    if len(text) > _EXACT:
        raise ValueError("an integer beyond those of its VR")
    return int(text)


def _tags(value: bytes, order: str, _charset: Charset) -> Values:
    numbers = struct.unpack(f"{order}{len(value) // 2}H", value)
    tags = [f"{group:04X}{element:04X}" for group, element in zip(numbers[::2], numbers[1::2], strict=True)]
    return list(tags), tags


def _numbers(code: str) -> Callable[[bytes, str, Charset], Values]:
    size = struct.calcsize(f"<{code}")

    def read(value: bytes, order: str, _charset: Charset) -> Values:
        numbers = list(struct.unpack(f"{order}{len(value) // size}{code}", value))
        return numbers, list(numbers)

    return read


def _floats(code: str) -> Callable[[bytes, str, Charset], Values]:
    numbers = _numbers(code)

    def read(value: bytes, order: str, charset: Charset) -> Values:
        found, texts = numbers(value, order, charset)
        return ([json.decimal(v) for v in found] if not all(map(math.isfinite, found)) else found), texts

    return read


_DECODERS: dict[str, Callable[[bytes, str, Charset], Values]] = {
    **dict.fromkeys(("AS", "CS", "DA", "DT", "TM"), _words),
    **dict.fromkeys(("LO", "SH", "UC"), _texts),
    **dict.fromkeys(("LT", "ST", "UT"), _text),
    "AE": _titles,
    "AT": _tags,
    "DS": _decimals,
    "FD": _floats("d"),
    "FL": _floats("f"),
    "IS": _integers,
    "PN": _names,
    "SL": _numbers("l"),
    "SS": _numbers("h"),
    "SV": _numbers("q"),
    "UI": _uids,
    "UL": _numbers("L"),
    "UR": _url,
    "US": _numbers("H"),
    "UV": _numbers("Q"),
}
