"""A row of the index as an answer to a query: DICOM JSON for QIDO, a data set for C-FIND.

What a row has is text, several values joined by backslashes; here each gets back its VR's form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from pydicom import config
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from appliance.dicom.json import Json, person_name

CHARACTER_SET = "ISO_IR 192"
"""Of every answer: the index holds Unicode (PS3.3 C.12.1.1.2)."""

_INTEGERS = frozenset(("IS", "SL", "SS", "SV", "UL", "US", "UV"))
_ONE_TEXT = frozenset(("LT", "ST", "UR", "UT"))
"""VRs in which a backslash is a letter like any other (PS3.5 6.2)."""


def to_json(row: Mapping[str, Any], keywords: Iterable[str]) -> Json:
    """The attributes `keywords` of a row by tag (PS3.18 F.2); one without a value has its VR alone."""
    answer: Json = {}
    for keyword in keywords:
        _, vr, number = _known(keyword)
        values = _values(vr, row.get(keyword))
        if vr == "PN":
            values = [person_name(value) if isinstance(value, str) else None for value in values]
        answer[number] = {"vr": vr, "Value": values} if values else {"vr": vr}
    return answer


def to_dataset(row: Mapping[str, Any], keywords: Iterable[str]) -> Dataset:
    """The attributes `keywords` of a row as a data set, in `CHARACTER_SET`."""
    dataset = Dataset()
    for keyword in ("SpecificCharacterSet", *keywords):
        tag, vr, _ = _known(keyword)
        text = CHARACTER_SET if keyword == "SpecificCharacterSet" else row.get(keyword)
        values = ["" if value is None else value for value in _values(vr, text)]
        value = values[0] if len(values) == 1 else values or None
        # Equipment sends what its VR forbids, and that is what we have.
        dataset.add(DataElement(tag, vr, value, validation_mode=config.IGNORE))
    return dataset


@cache
def _known(keyword: str) -> tuple[int, str, str]:
    """Tag, VR, and the tag in hexadecimal."""
    tag = tag_for_keyword(keyword)
    assert tag is not None, keyword
    return tag, dictionary_VR(tag), f"{tag:08X}"


def _values(vr: str, value: Any) -> list[Any]:
    """The values, without those at the end that are empty; an empty one in between is None."""
    if value in (None, ""):
        return []
    if isinstance(value, int):
        return [value]
    parts = [value] if vr in _ONE_TEXT else value.split("\\")
    values = [_typed(vr, part.strip(" ")) for part in parts]
    while values and values[-1] is None:
        values.pop()
    return values


def _typed(vr: str, text: str) -> str | int | None:
    if not text or (vr == "PN" and person_name(text) is None):
        return None
    if vr not in _INTEGERS:
        return text
    try:
        return int(text)
    except ValueError:
        return None
