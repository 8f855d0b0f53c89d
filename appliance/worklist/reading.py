"""Orders from what other programs write: JSON, CSV, DICOM worklist files."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from appliance.dicom import json
from appliance.dicom.json import UNDECODABLE, Json
from appliance.dicom.worklist import STEPS, tag_of
from appliance.worklist import item as items
from appliance.worklist.item import PLACES

_LARGEST_FILE = 1 << 20
"""Bytes of a worklist file; an honest one has a few thousand."""
_MOST_FAULTS = 20
_BY_SMALL_LETTERS = {keyword.lower(): keyword for keyword in PLACES}


def from_csv(text: str) -> list[Json]:
    """Items of a table with a line of keywords above it: `PatientName,PatientID,Modality,...`; commas or semicolons.

    Raises ValueError naming the line of every fault.
    """
    text = text.removeprefix("\ufeff")
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    table = csv.DictReader(io.StringIO(text), delimiter=delimiter, strict=True)
    try:
        rows = [(f"line {table.line_num}", row) for row in table]
    except csv.Error as fault:
        raise ValueError(f"line {table.line_num} is no CSV: {fault}") from fault
    return _all(rows, _from_row)


def from_json(data: str | bytes) -> list[Json]:
    """Items of a list of objects by keyword, or in the DICOM JSON model (PS3.18 Annex F).

    Raises ValueError naming the number of every order at fault.
    """
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError as fault:
        raise ValueError(f"this is no JSON: {fault}") from fault
    rows = found if isinstance(found, list) else [found]
    return _all([(f"order {number}", row) for number, row in enumerate(rows, 1)], _from_object)


def from_file(path: Path) -> Json:
    """The item of a DICOM worklist file, with or without a Part 10 header.

    Raises ValueError saying why there is none in it, OSError.
    """
    if path.stat().st_size > _LARGEST_FILE:
        raise ValueError("it is too large for a worklist file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            item = json.encode(dcmread(path, force=True), lambda _path: "")
    except (InvalidDicomError, EOFError, *UNDECODABLE) as fault:
        raise ValueError("it is no DICOM file") from fault
    return from_model(item)


def from_model(item: Json) -> Json:
    """An item as another program made it; what can't be part of an answer is left out.

    Raises ValueError when it is none.
    """
    if not items.first_step(item):
        raise ValueError("it has no Scheduled Procedure Step Sequence")
    if not items.value(item, "PatientName") and not items.value(item, "PatientID"):
        raise ValueError("it has neither PatientName nor PatientID")
    kept = _plain(item)
    _check_sendable(kept)
    return kept


def _check_sendable(item: Json) -> None:
    """One order that can't be sent would keep a modality from all others. Raises ValueError."""
    sink = DicomBytesIO()
    sink.is_little_endian, sink.is_implicit_VR = True, False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            write_dataset(sink, Dataset.from_json(item), "utf-8")
    except UNDECODABLE as fault:
        raise ValueError("a value is not what its VR allows") from fault


def _plain(item: Json) -> Json:
    """Without what is private or elsewhere, and without a character set: ours is Unicode."""
    kept: Json = {}
    for tag, element in item.items():
        if int(tag[:4], 16) % 2 or "BulkDataURI" in element or tag == "00080005":
            continue
        nested = element["vr"] == "SQ" and "Value" in element
        kept[tag] = {"vr": "SQ", "Value": list(map(_plain, element["Value"]))} if nested else element
    return kept


def _all(rows: list[tuple[str, Any]], read: Callable[[Any], Json]) -> list[Json]:
    made: list[Json] = []
    faults: list[str] = []
    for where, row in rows:
        try:
            made.append(read(row))
        except ValueError as fault:
            faults.append(f"{where}: {fault}")
    if faults:
        more = [f"and {len(faults) - _MOST_FAULTS} more"] if len(faults) > _MOST_FAULTS else []
        raise ValueError("nothing is imported:\n  " + "\n  ".join([*faults[:_MOST_FAULTS], *more]))
    if not made:
        raise ValueError("there are no orders in it")
    return made


def _from_row(row: dict[str | None, Any]) -> Json:
    if None in row:
        raise ValueError("it has more values than the first line has names")
    return items.made({_keyword(str(name)): value or "" for name, value in row.items()})


def _from_object(row: Any) -> Json:
    if not isinstance(row, dict):
        raise ValueError('an order is an object such as {"PatientName": "Doe^Jane", ...}')
    if tag_of(STEPS) in row:
        return from_model(_checked(row))
    said = dict(_texts(row))
    return items.made(said)


def _texts(row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in row.items():
        if not isinstance(value, (str, int, float, type(None))):
            raise ValueError(f"{name} must be text or a number; sequences need the DICOM JSON model")
        yield _keyword(name), "" if value is None else str(value)


def _keyword(name: str) -> str:
    """A name as the table has it, in whatever case."""
    return _BY_SMALL_LETTERS.get(name.strip().lower(), name.strip())


def _checked(item: Any) -> Json:
    """DICOM JSON, at least in its shape. Raises ValueError."""
    for tag, element in item.items():
        if len(tag) != 8 or not all(c in "0123456789ABCDEFabcdef" for c in tag):
            raise ValueError(f"{tag!r} is no tag of eight hexadecimal digits")
        if not isinstance(element, dict) or not isinstance(element.get("vr"), str):
            raise ValueError(f"{tag} has no vr")
        value = element.get("Value", [])
        if not isinstance(value, list) or (element["vr"] == "SQ" and not all(isinstance(i, dict) for i in value)):
            raise ValueError(f"the Value of {tag} is no list")
        for inner in value if element["vr"] == "SQ" else ():
            _checked(inner)
    return {tag.upper(): element for tag, element in item.items()}
