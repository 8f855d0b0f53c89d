"""Small data sets of requests and answers: to DICOM JSON, which our rules are about, and back to what is sent."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pydicom.dataset import Dataset

from appliance.dicom import json
from appliance.dicom.charset import checked
from appliance.dicom.json import UNDECODABLE, Json
from appliance.dicom.repertoire import UNICODE, Repertoire, repertoire

_CHARACTER_SET = "00080005"
_MOST_COMMENT = 64
"""Characters of an Error Comment, which is LO (PS3.7 annex C)."""


@dataclass(frozen=True)
class Asked:
    """The data set of a request."""

    keys: Json
    character_set: str
    """Its Specific Character Set; empty where it names none."""


def attributes_of(dataset: Dataset) -> Asked:
    """The attributes of a data set as DICOM JSON. Raises ValueError when it can't be decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            encoded = json.encode(dataset, lambda _path: "")
    except (*UNDECODABLE, EOFError) as fault:
        raise ValueError("the data set cannot be decoded") from fault
    named = encoded.pop(_CHARACTER_SET, {}).get("Value", ())
    return Asked(encoded, "\\".join(name or "" for name in named))


def received(read: Callable[[], Dataset]) -> Asked:
    """As `attributes_of`, of what pynetdicom decodes only when it is asked for. Raises ValueError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return attributes_of(read())
    except (*UNDECODABLE, EOFError, RecursionError) as fault:
        raise ValueError("the data set cannot be decoded") from fault


def to_dataset(item: Json, character_set: str = "") -> Dataset:
    """DICOM JSON as a data set, in `character_set` when that can carry its text, else in UTF-8."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = Dataset.from_json({tag: element for tag, element in item.items() if tag != _CHARACTER_SET})
    wanted = _repertoire(character_set)
    fits = all(wanted.encode(text, vr) is not None for vr, text in _texts(item))
    chosen = wanted.name if fits else UNICODE
    if chosen:
        dataset.SpecificCharacterSet = chosen.split("\\")
    return dataset


def failure(status: int, comment: str, error_id: int = 0, tags: tuple[str, ...] = ()) -> Dataset:
    """A status that says why (PS3.7 annex C); no patient data in `comment`."""
    told = Dataset()
    told.Status = int(status)
    told.ErrorComment = comment.encode("ascii", "replace").decode("ascii")[:_MOST_COMMENT]
    if error_id:
        told.ErrorID = error_id
    if tags:
        told.AttributeIdentifierList = [int(tag, 16) for tag in tags]
    return told


def _repertoire(character_set: str) -> Repertoire:
    """What is asked for; a set that DICOM does not have is none."""
    try:
        return repertoire(checked(character_set).encode("ascii"))
    except ValueError:
        return repertoire(b"")


def _texts(item: Json) -> Iterator[tuple[str, str]]:
    for element in item.values():
        for value in element.get("Value", ()):
            if element["vr"] == "SQ":
                yield from _texts(value)
            elif isinstance(value, dict):
                yield "PN", "=".join(value.get(group, "") for group in ("Alphabetic", "Ideographic", "Phonetic"))
            elif isinstance(value, str):
                yield element["vr"], value
