"""The value of a member of a DICOM JSON object as the bytes of an element (PS3.18 F.2.3 to F.2.7, PS3.5 6.2)."""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from pydicom.datadict import dictionary_VR
from pydicom.valuerep import format_number_as_ds

LONG = frozenset("OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
"""VRs with a length of four bytes (PS3.5 7.1.2)."""
_TEXT = frozenset("AE AS CS DA DT LO LT PN SH ST TM UC UI UR UT".split())
_BINARY = {"OB": "B", "OW": "H", "OL": "I", "OV": "Q", "OF": "f", "OD": "d", "UN": "B"}
_NUMBERS = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "UV": "Q", "SV": "q", "FL": "f", "FD": "d"}
_VRS = _TEXT | _BINARY.keys() | _NUMBERS.keys() | {"AT", "DS", "IS", "SQ"}
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_LONGEST_DS = 16


class NotOfItsVrError(ValueError):
    """The value can't be one of its VR; the message goes on behind the tag, and doesn't quote it."""


def vr_of(tag: str, member: Any) -> str:
    """The VR that a member says; by the dictionary where it doesn't. Raises `NotOfItsVrError`."""
    if not isinstance(member, dict):
        raise NotOfItsVrError("is no DICOM JSON attribute")
    vr = member.get("vr") or _by_dictionary(tag)
    if not isinstance(vr, str) or vr not in _VRS:
        raise NotOfItsVrError("has a VR that there is not")
    return vr


def _by_dictionary(tag: str) -> str:
    try:
        return dictionary_VR(int(tag, 16))
    except (KeyError, ValueError):
        return "UN"


def value(vr: str, member: Mapping[str, Any]) -> bytes:
    """Its bytes, little-endian, text in UTF-8, of even length. Raises `NotOfItsVrError`."""
    try:
        data = _data(vr, member)
    except (ValueError, TypeError, OverflowError, AttributeError, struct.error) as fault:
        raise NotOfItsVrError(f"has a value that is none of its VR {vr}") from fault
    return data + padded(vr, data, len(data))


def padded(vr: str, data: bytes, size: int) -> bytes:
    """What makes `size` bytes of a value even; of text a space (PS3.5 6.2)."""
    return (b" " if vr in _TEXT - {"UI"} or vr in ("DS", "IS") else b"\0") * (size % 2)


def _data(vr: str, member: Mapping[str, Any]) -> bytes:
    if "InlineBinary" in member:
        return base64.b64decode("".join(str(member["InlineBinary"]).split()), validate=True)
    values = member.get("Value") or []
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise TypeError
    if vr == "AT":
        return b"".join(struct.pack("<HH", int(each[:4], 16), int(each[4:8], 16)) for each in values)
    if vr in _NUMBERS or vr in _BINARY:
        return _packed((_NUMBERS | _BINARY)[vr], values)
    return "\\".join(_text(vr, each) for each in values).encode()


def _packed(letter: str, values: Sequence[Any]) -> bytes:
    number = float if letter in "fd" else int
    return struct.pack(f"<{len(values)}{letter}", *(number(each) for each in values))


def _text(vr: str, each: Any) -> str:
    if each is None:
        return ""
    if vr == "PN" and isinstance(each, Mapping):
        return "=".join(str(each.get(group) or "") for group in _GROUPS).rstrip("=")
    if vr == "IS" and isinstance(each, float):
        return str(int(each))
    if vr == "DS" and isinstance(each, (int, float)):
        return _decimal(each)
    if not isinstance(each, (str, int)) or isinstance(each, bool):
        raise TypeError
    return str(each)


def _decimal(number: float) -> str:
    """At most 16 characters; the shortest that is the same number where that fits."""
    text = repr(number).removesuffix(".0")
    return text if len(text) <= _LONGEST_DS else format_number_as_ds(float(number))
