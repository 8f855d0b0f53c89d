"""The Native DICOM Model (PS3.19 A.1): DICOM JSON of PS3.18 Annex F as XML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from pydicom.datadict import keyword_for_tag

from appliance.dicom.json import Json

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_ROOT = '<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM" xml:space="preserve">'
_COMPONENTS = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_LINE_ENDS = {"\r": "&#13;"}
"""Readers make a line feed of a carriage return that is not escaped (XML 1.0, 2.11)."""
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML 1.0 document may hold (2.2), escaped or not."""


def native(model: Json) -> bytes:
    """The document of one data set."""
    return f"{_HEAD}{_ROOT}{''.join(_attributes(model))}</NativeDicomModel>".encode()


def _attributes(model: Json) -> Iterator[str]:
    for tag, member in model.items():
        about = f'tag="{tag}" vr="{member["vr"]}"'
        if keyword := keyword_for_tag(int(tag, 16)):
            about += f' keyword="{keyword}"'
        if creator := _creator(model, tag):
            about += f" privateCreator={_quoted(creator)}"
        yield f"<DicomAttribute {about}>{''.join(_content(member))}</DicomAttribute>"


def _creator(model: Json, tag: str) -> str:
    """Who owns a private element (PS3.5 7.8.1); empty for a public one, or a creator itself."""
    if int(tag[:4], 16) % 2 == 0 or tag[4:6] == "00":
        return ""
    creator = model.get(f"{tag[:4]}00{tag[4:6]}", {}).get("Value") or [""]
    return str(creator[0])


def _content(member: Mapping[str, Any]) -> Iterator[str]:
    if "BulkDataURI" in member:
        uri = _quoted(member["BulkDataURI"])
        yield f"<BulkData uri={uri}/>"
    if "InlineBinary" in member:
        yield f"<InlineBinary>{member['InlineBinary']}</InlineBinary>"
    for number, value in enumerate(member.get("Value", ()), 1):
        if value is None:
            continue
        if member["vr"] == "SQ":
            yield f'<Item number="{number}">{"".join(_attributes(value))}</Item>'
        elif isinstance(value, Mapping):
            yield f'<PersonName number="{number}">{"".join(_person(value))}</PersonName>'
        else:
            yield f'<Value number="{number}">{_text(value)}</Value>'


def _person(value: Mapping[str, str]) -> Iterator[str]:
    for group in _GROUPS:
        if group in value:
            parts = zip(_COMPONENTS, value[group].split("^"), strict=False)
            inner = "".join(f"<{name}>{_text(part)}</{name}>" for name, part in parts if part)
            yield f"<{group}>{inner}</{group}>"


def _text(value: Any) -> str:
    return escape(_FORBIDDEN.sub("", str(value)), _LINE_ENDS)


def _quoted(value: str) -> str:
    return quoteattr(_FORBIDDEN.sub("", value))
