"""The data set of a query or retrieval: its level, its keys as text (PS3.4 C.4.1.1.3)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from appliance.dicom import repertoire
from appliance.dicom.json import Json
from appliance.dicom.repertoire import Repertoire
from appliance.dicom.write import writer
from appliance.dimse import received
from appliance.dimse.models import Level
from appliance.dimse.request import Context

LEVEL = 0x00080052
CHARACTER_SET = 0x00080005
FAILED_INSTANCES = 0x00080058
_MOST = 4096
"""Elements and items; no honest query asks for all that the dictionary has."""
_NUMBERS = {"US": "H", "UL": "I", "SS": "h", "SL": "i"}


@dataclass(frozen=True)
class Identifier:
    """What a request names."""

    level: str
    """As it was sent, perhaps none of `Level`."""
    model: Json
    """Its keys as DICOM JSON, their values as text, several joined by backslashes."""
    characters: Repertoire

    @cached_property
    def keys(self) -> dict[int, str]:
        """The text of all keys but sequences, by tag."""
        return {int(tag, 16): "".join(key.get("Value", ())) for tag, key in self.model.items() if key["vr"] != "SQ"}

    @cached_property
    def sequences(self) -> Json:
        """The sequences among the keys."""
        return {tag: key for tag, key in self.model.items() if key["vr"] == "SQ"}

    def text(self, tag: int) -> str:
        """The value of a key, empty when it is absent."""
        return self.keys.get(tag, "")

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
    order = writer(transfer_syntax).order
    with received.reading("the identifier is no data set"):
        dataset = received.data_set(data, transfer_syntax, _MOST)
        named = dataset.get_item(CHARACTER_SET) if CHARACTER_SET in dataset else None
        characters = repertoire.repertoire(named.value or b"" if isinstance(named, RawDataElement) else b"")
        model = _model(dataset, characters, order)
    level = "".join(model.pop(f"{LEVEL:08X}", {}).get("Value", ()))
    return Identifier(level.upper(), model, characters)


def _model(dataset: Dataset, characters: Repertoire, order: str) -> Json:
    raw = {tag: dataset.get_item(tag) for tag in sorted(dataset.keys())}  # values would be decoded by pydicom
    known = {tag: element for tag, element in raw.items() if tag.element and tag != CHARACTER_SET}
    model: Json = {}
    for tag, element in known.items():
        vr = element.VR or _vr(tag)
        given: list[Json] | list[str]
        if vr == "SQ":
            given = [_model(item, characters, order) for item in dataset[tag].value]
        else:
            given = list(filter(None, [_text(vr, element, characters, order)]))
        model[f"{tag:08X}"] = {"vr": vr, "Value": given} if given else {"vr": vr}
    return model


def _text(vr: str, element: object, characters: Repertoire, order: str) -> str:
    """Empty where it can't be read as text."""
    raw = element.value if isinstance(element, RawDataElement) else None
    if not isinstance(raw, bytes):
        return ""
    if vr in _NUMBERS:
        return _numbers(raw, order + _NUMBERS[vr])
    return characters.decode(raw).strip(" \0")


def _vr(tag: int) -> str:
    try:
        return dictionary_VR(tag)
    except KeyError:
        return "UN"


def _numbers(raw: bytes, form: str) -> str:
    try:
        return "\\".join(str(number) for (number,) in struct.iter_unpack(form, raw))
    except struct.error:
        return ""


def failed_instances(context: Context, sop_instance_uids: list[str]) -> bytes:
    """The identifier that names the instances that were not sent; empty without any (PS3.4 C.4.2.1.4.2)."""
    if not sop_instance_uids:
        return b""
    values = {FAILED_INSTANCES: ("UI", "\\".join(sop_instance_uids))}
    return writer(context.transfer_syntax).data_set(values, repertoire.repertoire(b""))
