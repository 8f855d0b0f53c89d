"""The data set of a query or retrieval: its level, its keys as text (PS3.4 C.4.1.1.3)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from io import BytesIO

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.errors import BytesLengthException
from pydicom.filereader import read_dataset

from appliance.dicom import repertoire
from appliance.dicom.repertoire import Repertoire
from appliance.dicom.write import writer
from appliance.dimse.models import Level
from appliance.dimse.request import Context

LEVEL = 0x00080052
CHARACTER_SET = 0x00080005
FAILED_INSTANCES = 0x00080058
_NUMBERS = {"US": "H", "UL": "I", "SS": "h", "SL": "i"}
_UNREADABLE = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    NotImplementedError,
    OverflowError,
    EOFError,
    OSError,
    RecursionError,
    struct.error,
    BytesLengthException,
)
"""What pydicom raises for bytes that are no data set."""


@dataclass(frozen=True)
class Identifier:
    """What a request names."""

    level: str
    """As it was sent, perhaps none of `Level`."""
    keys: dict[int, str | None]
    """Text by tag, several values joined by backslashes; None for a sequence, and for what cannot be read as text."""
    characters: Repertoire

    def text(self, tag: int) -> str:
        """The value of a key, empty when it is absent."""
        return self.keys.get(tag) or ""

    def level_in(self, levels: tuple[Level, ...]) -> Level:
        """Its level, if it is one of `levels`. Raises ValueError with a sentence."""
        for level in levels:
            if self.level == level:
                return level
        if not self.level:
            raise ValueError("Query/Retrieve Level (0008,0052) is missing")
        raise ValueError(f"this model has no level {self.level[:16]!r}")


def read(data: bytes, transfer_syntax: str) -> Identifier:
    """Read an encoded identifier. Raises ValueError when it is none."""
    encoding = writer(transfer_syntax)
    try:
        dataset = read_dataset(BytesIO(data), not encoding.explicit, encoding.order == "<", bytelength=len(data))
        raw = {int(tag): dataset.get_item(tag) for tag in dataset.keys()}  # noqa: SIM118 - values would be decoded
    except _UNREADABLE as fault:
        raise ValueError("the identifier is no data set") from fault
    named = raw.get(CHARACTER_SET)
    characters = repertoire.repertoire(_bytes(named) or b"")
    keys = {tag: _text(element, characters, encoding.order) for tag, element in raw.items() if tag & 0xFFFF}
    keys.pop(CHARACTER_SET, None)
    level = keys.pop(LEVEL, "") or ""
    return Identifier(level.upper(), keys, characters)


def _bytes(element: object) -> bytes | None:
    if isinstance(element, RawDataElement):
        return element.value or b""
    return None


def _text(element: object, characters: Repertoire, order: str) -> str | None:
    raw = _bytes(element)
    if raw is None or not isinstance(element, RawDataElement):
        return None
    vr = element.VR or _vr(element.tag)
    if vr == "SQ":
        return None
    if vr in _NUMBERS:
        return _numbers(raw, order + _NUMBERS[vr])
    return characters.decode(raw).strip(" \0")


def _vr(tag: int) -> str:
    try:
        return dictionary_VR(tag)
    except KeyError:
        return "UN"


def _numbers(raw: bytes, form: str) -> str | None:
    try:
        return "\\".join(str(number) for (number,) in struct.iter_unpack(form, raw))
    except struct.error:
        return None


def failed_instances(context: Context, sop_instance_uids: list[str]) -> bytes:
    """The identifier that names the instances that were not sent; empty without any (PS3.4 C.4.2.1.4.2)."""
    if not sop_instance_uids:
        return b""
    values = {FAILED_INSTANCES: ("UI", "\\".join(sop_instance_uids))}
    return writer(context.transfer_syntax).data_set(values, repertoire.repertoire(b""))
