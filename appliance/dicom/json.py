"""The DICOM JSON model (PS3.18 Annex F), made tolerant: what one element hides must not hide the rest."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException
from pydicom.hooks import raw_element_vr
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag

from appliance.dicom.words import turned

BULK_LIMIT = 1024
"""Values of more bytes than this become a BulkDataURI, so that metadata stays small."""
LUT_LIMIT = 1 << 18
"""Palettes, LUTs and overlays stay in the metadata up to this size: viewers fetch few of them (OHIF). So does text."""
MAX_DEPTH = 60
"""Sequences within sequences; honest ones are hardly six deep, and pydicom copies each for the next."""

BULK_VRS = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "UN"))
_INTEGERS = frozenset(("IS", "SL", "SS", "SV", "UL", "US", "UV"))
_DECIMALS = frozenset(("DS", "FD", "FL"))
_UNDEFINED = 0xFFFFFFFF
_TINY = 64
"""Bytes of a value that a URI for it would be no shorter than."""
_LEAST, _MOST = -(1 << 63), (1 << 64) - 1
_PN_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")

UNDECODABLE = (
    ValueError,
    TypeError,
    LookupError,
    NotImplementedError,
    AttributeError,
    OverflowError,
    struct.error,
    BytesLengthException,
)
"""What pydicom raises for an element whose bytes its VR forbids."""

Json = dict[str, Any]
BulkUri = Callable[[str], str]
"""Makes the URI of the element at a path such as `7FE00010` or `00540016/0/00189999`."""


@dataclass
class Room:
    """What decoding the values of a file may still cost; those that are not tiny stay in the file when it is spent."""

    left: int = 2 << 20
    """Bytes, those of numbers in text counted eightfold: pydicom makes an object of hundreds of bytes of each."""

    def is_spent(self, vr: str, size: int) -> bool:
        """Whether a value of `size` bytes is too much; it is counted if not."""
        if size <= _TINY or vr == "SQ":
            return False
        cost = size * 8 if vr in ("DS", "IS") else size
        if cost > self.left:
            return True
        self.left -= cost
        return False


def encode(dataset: Dataset, bulk_uri: BulkUri, path: str = "", room: Room | None = None) -> Json:
    """`dataset` as a DICOM JSON object; group lengths and undecodable elements are left out."""
    if path.count("/") > 2 * MAX_DEPTH:
        raise ValueError(f"sequences more than {MAX_DEPTH} deep")
    model: Json = {}
    for tag in sorted(dataset.keys()):
        if tag.element == 0:
            continue
        encoded = _element(dataset, tag, bulk_uri, path, room)
        if encoded is not None:
            model[f"{tag:08X}"] = encoded
    return model


def most_inline(tag: int) -> int:
    """How many bytes of a binary value stay in the metadata."""
    group = tag >> 16
    of_the_picture = group == 0x0028 or group & ~0x1E == 0x6000
    return LUT_LIMIT if of_the_picture else BULK_LIMIT


def bulk(vr: str, uri: str) -> Json:
    """An element whose value is elsewhere (F.2.6)."""
    return {"vr": vr, "BulkDataURI": uri}


def _element(dataset: Dataset, tag: BaseTag, bulk_uri: BulkUri, path: str, room: Room | None) -> Json | None:
    here = f"{path}{tag:08X}"
    raw = dataset.get_item(tag, keep_deferred=True)
    try:
        if isinstance(raw, RawDataElement) and (size := size_of(raw)) > _TINY:
            vr = vr_of(raw, dataset)
            if vr != "SQ" and (size > LUT_LIMIT or (room is not None and room.is_spent(vr, size))):
                return bulk(vr, bulk_uri(here))
        element = dataset[tag]
        model = encoded(element, here, bulk_uri, room)
        if "InlineBinary" in model and isinstance(raw, RawDataElement) and not raw.is_little_endian:
            model["InlineBinary"] = _base64(turned(str(element.VR), element.value))
        return model
    except UNDECODABLE:
        # A value that its VR forbids: the file keeps it, the metadata does without.
        return {"vr": raw.VR or "UN"} if isinstance(raw, RawDataElement) else None


def size_of(raw: RawDataElement) -> int:
    """Bytes of its value, which may still be in the file."""
    if raw.value is None:
        return raw.length if raw.length != _UNDEFINED else 0
    return len(raw.value)


def vr_of(raw: RawDataElement, dataset: Dataset) -> str:
    """The VR of an element of `dataset` that is not decoded yet."""
    told: dict[str, str] = {}
    raw_element_vr(raw, told, ds=dataset)
    # Of the VRs that pydicom settles by the value, the binary one is that of long values.
    return str(told["VR"]) if len(told["VR"]) == 2 else "OW"


def encoded(element: DataElement, here: str, bulk_uri: BulkUri, room: Room | None = None) -> Json:
    """An element, at the path `here`, as the value of its member of a DICOM JSON object.

    Raises what is in `UNDECODABLE` where its VR forbids the value.
    """
    vr = str(element.VR)
    if vr == "SQ":
        items = [encode(item, bulk_uri, f"{here}/{i}/", room) for i, item in enumerate(element.value)]
        return {"vr": vr, "Value": items} if items else {"vr": vr}
    if vr in BULK_VRS:
        return _binary(vr, element, here, bulk_uri)
    values = [_value(vr, value) for value in _multiple(element.value)]
    while values and values[-1] is None:
        values.pop()
    return {"vr": vr, "Value": values} if values else {"vr": vr}


def _binary(vr: str, element: DataElement, here: str, bulk_uri: BulkUri) -> Json:
    value = element.value
    if not value:
        return {"vr": vr}
    if not isinstance(value, bytes):
        return {"vr": vr, "Value": [_value("UL", v) for v in _multiple(value)]}
    if len(value) > most_inline(int(element.tag)):
        return bulk(vr, bulk_uri(here))
    return {"vr": vr, "InlineBinary": _base64(value)}


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _multiple(value: Any) -> Iterable[Any]:
    if value is None or value == "":
        return ()
    return value if isinstance(value, (MultiValue, list, tuple)) else (value,)


def _value(vr: str, value: Any) -> Any:
    if value is None or value == "":
        return None
    if vr == "PN":
        return person_name(str(value))
    if vr == "AT":
        return f"{int(value):08X}"
    if vr in _INTEGERS:
        return _integer(int(value))
    if vr in _DECIMALS:
        return decimal(float(value))
    return str(value)


def _integer(number: int) -> int:
    if not _LEAST <= number <= _MOST:
        raise OverflowError("an integer that no VR and no JSON reader can hold")
    return number


def decimal(number: float) -> float | str:
    """A number as JSON can say it: infinities and NaN are text (F.2.7 has no word for them)."""
    return number if math.isfinite(number) else str(number)


def person_name(value: str) -> Json | None:
    """A PN with its component groups (F.2.2)."""
    groups = {key: text for key, text in zip(_PN_GROUPS, value.split("="), strict=False) if text.strip("^ ")}
    return groups or None
