"""A structured report as a tree that people can read (PS3.3 A.35, C.17; PS3.16)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from appliance.dicom.names import display

_CLASS = "1.2.840.10008.5.1.4.1.1.88."
_KEY_OBJECTS = f"{_CLASS}59"
MOST_ITEMS = 20_000
"""Content items that are shown; reports of people have a few hundred, of programs a few thousand."""
MOST_TEXT = 4 << 20
"""Characters in them; a long report of people has a hundredth."""
_MOST_FRAMES = 16
"""Of an instance that are named."""
_MOST_NUMBERS = 16
"""Coordinates of a shape that are written out."""

_UNSHOWN = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
"""What neither XML nor a reader has a use for."""
_LINE = re.compile("\r\n|[\r\f]")
_ROOT, _CONTENT = "1", "0040A730"
_NO_UNIT = frozenset(("1", "{0}"))

Json = dict[str, Any]


@dataclass(frozen=True)
class Reference:
    """Another instance that an item is about."""

    sop_instance_uid: str
    frames: tuple[int, ...] = ()
    """From 1; none: all of it."""
    has_more: bool = False
    """Whether of more frames than these."""


@dataclass(frozen=True)
class Item:
    """A content item (PS3.3 C.17.3)."""

    place: str
    """`1.2.3`: where it stands, the root being 1 (C.17.3.2.4)."""
    relationship: str
    kind: str
    """Its Value Type; empty where it stands for an item elsewhere, at `target`."""
    name: str
    text: str
    """Its value in words; it may have several lines."""
    observed: str = ""
    reference: Reference | None = None
    target: str = ""
    is_left_out: bool = False
    """Whether something of it is so long that the index leaves it in the file."""
    flows: bool = False
    """Whether what it contains reads as one text (Continuity of Content)."""
    items: tuple[Item, ...] = ()


@dataclass(frozen=True)
class Observer:
    """Who verified a report."""

    name: str
    organization: str
    when: str


@dataclass(frozen=True)
class Report:
    """The document, and what its reader must know of it."""

    root: Item
    facts: dict[str, str]
    """Text by DICOM keyword, those that say something, in the order of reading."""
    observers: tuple[Observer, ...] = ()
    is_cut: bool = False
    """Whether there is more of it than is here."""

    @property
    def made(self) -> str:
        """When: its Content Date and Time."""
        return " ".join(filter(None, (self.facts.get("ContentDate"), self.facts.get("ContentTime"))))


_FACTS = {
    "PatientName": "00100010",
    "PatientID": "00100020",
    "PatientBirthDate": "00100030",
    "PatientSex": "00100040",
    "StudyDescription": "00081030",
    "StudyDate": "00080020",
    "AccessionNumber": "00080050",
    "ReferringPhysicianName": "00080090",
    "InstitutionName": "00080080",
    "SeriesDescription": "0008103E",
    "ContentDate": "00080023",
    "ContentTime": "00080033",
    "PreliminaryFlag": "0040A496",
    "CompletionFlag": "0040A491",
    "CompletionFlagDescription": "0040A492",
    "VerificationFlag": "0040A493",
}


def is_report(sop_class_uid: str) -> bool:
    """Whether instances of the class are structured reports for readers, which key object selections are not."""
    return sop_class_uid.startswith(_CLASS) and sop_class_uid != _KEY_OBJECTS


def report(metadata: bytes) -> Report:
    """The report in an instance, by its DICOM JSON (PS3.18 Annex F)."""
    model: Json = orjson.loads(metadata)
    reading = _Reading()
    root = reading.item(model, _ROOT)
    facts = {keyword: said for keyword, tag in _FACTS.items() if (said := _text(model, tag))}
    observers = tuple(
        Observer(_text(one, "0040A075"), _text(one, "0040A027"), _text(one, "0040A030"))
        for one in _items(model, "0040A073")
    )
    lacking = any("BulkDataURI" in model.get(tag, {}) for tag in _FACTS.values())
    return Report(root, facts, observers, reading.is_cut or lacking)


def references(item: Item) -> Iterator[Reference]:
    """All that `item` and what is below it are about."""
    if item.reference:
        yield item.reference
    for each in item.items:
        yield from references(each)


@dataclass
class _Reading:
    """Counts while it reads: a file may claim to have any number of items, of any length."""

    items: int = MOST_ITEMS
    text: int = MOST_TEXT
    is_cut: bool = False

    def item(self, model: Json, place: str) -> Item:
        relationship, name = _text(model, "0040A010"), _code(model, "0040A043")
        if target := [str(each) for each in model.get("0040DB73", {}).get("Value") or [] if isinstance(each, int)]:
            return Item(place, relationship, "", name, "", target=".".join(target))
        kind = _text(model, "0040A040")
        text = _VALUES.get(kind, _nothing)(model)
        left_out = place != _ROOT and _is_left_out(model)
        self.text -= len(name) + len(text)
        self.is_cut |= left_out
        return Item(
            place,
            relationship,
            kind,
            name,
            text,
            _text(model, "0040A032"),
            _reference(model),
            is_left_out=left_out,
            flows=_text(model, "0040A050") == "CONTINUOUS",
            items=tuple(self._below(model, place)),
        )

    def _below(self, model: Json, place: str) -> Iterator[Item]:
        for number, one in enumerate(_items(model, _CONTENT), 1):
            self.items -= 1
            if self.items < 0 or self.text < 0:
                self.is_cut = True
                return
            yield self.item(one, f"{place}.{number}")


def _is_left_out(model: Json) -> bool:
    """Whether a value of the item itself is only in the file (PS3.18 F.2.6)."""
    for tag, element in model.items():
        if "BulkDataURI" in element:
            return True
        if element.get("vr") == "SQ" and tag != _CONTENT and any(map(_is_left_out, _items(model, tag))):
            return True
    return False


def _nothing(_model: Json) -> str:
    return ""


def _number(model: Json) -> str:
    """`3 cm`; why there is none where that is told (PS3.3 C.18.1)."""
    measured = next(_items(model, "0040A300"), {})
    value, unit = _text(measured, "0040A30A"), next(_items(measured, "004008EA"), {})
    symbol, meaning = _text(unit, "00080100"), _text(unit, "00080104")
    if symbol in _NO_UNIT:
        meaning = ""
    elif symbol and "{" not in symbol and _text(unit, "00080102") == "UCUM":
        meaning = symbol
    return " ".join(filter(None, (value and f"{value} {meaning}".strip(), _code(model, "0040A301"))))


def _shape(model: Json) -> str:
    """`CIRCLE 10, 20, 30, 40`: columns and rows of a picture, or x, y, z in mm (PS3.3 C.18.6, C.18.9)."""
    numbers = model.get("00700022", {}).get("Value") or []
    written = ", ".join(f"{number:g}" if isinstance(number, float | int) else "?" for number in numbers[:_MOST_NUMBERS])
    return f"{_text(model, '00700023')} {written}{' …' if len(numbers) > _MOST_NUMBERS else ''}".strip()


def _span(model: Json) -> str:
    """Of time (PS3.3 C.18.7)."""
    tags = ("0040A132", "0040A138", "0040A13A")
    return " ".join((_text(model, "0040A130"), *(said for tag in tags if (said := _text(model, tag))))).strip()


_VALUES = {
    "TEXT": lambda model: _text(model, "0040A160"),
    "CODE": lambda model: _code(model, "0040A168"),
    "NUM": _number,
    "DATETIME": lambda model: _text(model, "0040A120"),
    "DATE": lambda model: _text(model, "0040A121"),
    "TIME": lambda model: _text(model, "0040A122"),
    "PNAME": lambda model: _text(model, "0040A123"),
    "UIDREF": lambda model: _text(model, "0040A124"),
    "SCOORD": _shape,
    "SCOORD3D": _shape,
    "TCOORD": _span,
}


def _reference(model: Json) -> Reference | None:
    """PS3.3 C.18.3 to C.18.5."""
    referenced = next(_items(model, "00081199"), {})
    uid = _text(referenced, "00081155")
    frames = referenced.get("00081160", {}).get("Value") or []
    named = [each for each in frames[: _MOST_FRAMES + 1] if isinstance(each, int) and each > 0]
    return Reference(uid, tuple(named[:_MOST_FRAMES]), len(named) > _MOST_FRAMES) if uid else None


def _code(model: Json, tag: str) -> str:
    """What the code in a sequence means; itself where it doesn't say (PS3.3 8)."""
    coded = next(_items(model, tag), {})
    value = _text(coded, "00080100") or _text(coded, "00080119") or _text(coded, "00080120")
    scheme = _text(coded, "00080102")
    return _text(coded, "00080104") or (f"{value} ({scheme})" if value and scheme else value)


def _items(model: Json, tag: str) -> Iterator[Json]:
    return (item for item in model.get(tag, {}).get("Value") or [] if isinstance(item, dict))


def _text(model: Json, tag: str) -> str:
    """An element's values as people write them; empty where there are none."""
    element = model.get(tag, {})
    vr = str(element.get("vr", ""))
    said = (_written(vr, value) for value in element.get("Value") or [] if value is not None)
    return _UNSHOWN.sub("", _LINE.sub("\n", ", ".join(filter(None, said)))).strip()


def _written(vr: str, value: Any) -> str:
    if vr == "PN" and isinstance(value, dict):
        return display("=".join(str(value.get(group, "")) for group in ("Alphabetic", "Ideographic")))
    if isinstance(value, float):
        return f"{value:.10g}"
    text = str(value)
    match vr:
        case "DA":
            return _date(text)
        case "TM":
            return _time(text)
        case "DT":
            zone = re.search(r"[+-]\d{4}$", text)
            bare = text[: zone.start()] if zone else text
            return " ".join(filter(None, (_date(bare[:8]), _time(bare[8:]), zone and zone.group())))
    return text


def _date(text: str) -> str:
    """`2001-02-13` or, of a DT, less of it."""
    if not text.isdigit():
        return text
    return "-".join(filter(None, (text[:4], text[4:6], text[6:8])))


def _time(text: str) -> str:
    """`18:47:46`, without what is less than a second."""
    digits = text.replace(":", "").partition(".")[0]
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))
