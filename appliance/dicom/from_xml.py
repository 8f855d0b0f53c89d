"""The Native DICOM Model (PS3.19 A.1) read: XML as DICOM JSON of PS3.18 Annex F. `xml` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from appliance.dicom.json import Json

_COMPONENTS = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_MOST_VALUES = 1_000_000
_DEEPEST = 64


class _Builder(TreeBuilder):
    """Takes no document type: entities of it may be endless."""

    def doctype(self, _name: str, _pubid: str, _system: str) -> None:
        raise ValueError("it has a document type")


def model(document: bytes) -> Json:
    """The data set of a document. Raises ValueError, without a word of what is in it."""
    parser = XMLParser(target=_Builder())
    try:
        parser.feed(document)
        root = parser.close()
    except (ParseError, LookupError) as fault:
        raise ValueError("it is no XML") from fault
    if _name(root) != "NativeDicomModel":
        raise ValueError("it is no Native DICOM Model")
    return _attributes(root)


def _attributes(parent: Element, depth: int = 0) -> Json:
    if depth > _DEEPEST:
        raise ValueError(f"its sequences are nested more than {_DEEPEST} deep")
    found: Json = {}
    for each in parent:
        if _name(each) == "DicomAttribute":
            found[each.get("tag", "").upper()] = _member(each, depth)
    return found


def _member(attribute: Element, depth: int) -> Json:
    member: Json = {"vr": attribute.get("vr", "")}
    values: dict[int, Any] = {}
    for each in attribute:
        match _name(each):
            case "BulkData":
                member["BulkDataURI"] = each.get("uri") or each.get("uuid") or ""
            case "InlineBinary":
                member["InlineBinary"] = each.text or ""
            case "Value":
                values[_number(each)] = each.text or None
            case "PersonName":
                values[_number(each)] = _person(each)
            case "Item":
                values[_number(each)] = _attributes(each, depth + 1)
    if values:
        member["Value"] = [values.get(number) for number in range(1, max(values) + 1)]
    return member


def _number(each: Element) -> int:
    text = each.get("number", "")
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 8 and 0 < int(text) <= _MOST_VALUES):
        raise ValueError("a value in it has no number")
    return int(text)


def _person(person: Element) -> Json:
    return {_name(each): "^".join(_components(each)).rstrip("^") for each in person if _name(each) in _GROUPS}


def _components(group: Element) -> Iterator[str]:
    said = {_name(each): each.text or "" for each in group}
    return (said.get(name, "") for name in _COMPONENTS)


def _name(element: Element) -> str:
    """Without its name space."""
    return element.tag.rpartition("}")[2]
