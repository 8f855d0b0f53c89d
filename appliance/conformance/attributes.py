"""Attributes: what is matched and answered in queries and worklists, and in which character sets."""

from __future__ import annotations

from pydicom.charset import python_encoding

from appliance.conformance.tables import table
from appliance.dicom import worklist
from appliance.dicom.attributes import ATTRIBUTES, MORE, Attribute, Level
from appliance.dicom.query import Kind, condition

_PROBES = {
    Kind.SINGLE: ("1", "10", "20200101", "1.2"),
    Kind.UID_LIST: ("1.2\\1.3",),
    Kind.WILDCARD: ("A*",),
    Kind.RANGE: ("20200101-20201231", "1000-1200"),
}
"""Values that show how a key is matched."""
_WORDS = {
    Kind.SINGLE: "single value",
    Kind.UID_LIST: "list of UIDs",
    Kind.WILDCARD: "wildcard",
    Kind.RANGE: "range",
}
_LEVELS = {Level.STUDY: "patient, study", Level.SERIES: "series", Level.INSTANCE: "image"}
_PN = "single value and wildcard, without case and diacritics"


def queried() -> str:
    """The attributes of queries, by C-FIND and QIDO-RS alike."""
    rows = [(_tag(a), a.keyword, a.vr, _LEVELS[a.level], matching(a)) for a in ATTRIBUTES]
    return table(("tag", "attribute", "VR", "level", "matching, beside universal"), rows)


def told() -> str:
    """What C-FIND and QIDO-RS tell beside, when they are asked for it."""
    rows = [(_LEVELS[level], ", ".join(sorted(keywords))) for level, keywords in MORE.items() if keywords]
    return table(("level", "attributes"), rows)


def matching(attribute: Attribute) -> str:
    """How a key is matched, as the query itself understands it."""
    found = [kind for kind, values in _PROBES.items() if any(_kind(attribute, value) is kind for value in values)]
    if attribute.vr == "PN" and found:
        return _PN
    return ", ".join(_WORDS[kind] for kind in found) or "none"


def _kind(attribute: Attribute, value: str) -> Kind | None:
    try:
        made = condition(attribute.keyword, value)
    except ValueError:
        return None
    return made.kind if made else None


def worklist_keys() -> str:
    """The keys of the Modality Worklist (PS3.4 table K.6-1)."""
    matched = {"R": "required", "O": "optional", "-": "-"}
    rows = [(" > ".join(key.path), key.vr, matched[key.matching], key.returned) for key in worklist.KEYS]
    return table(("attribute", "VR", "matching", "return type"), rows)


def character_sets() -> str:
    """Those that are read."""
    known = sorted(term for term in python_encoding if term.startswith(("ISO_IR ", "ISO 2022 ", "GB")))
    return ", ".join(["ISO_IR 6 (default)", *(term for term in known if term != "ISO_IR 6")])


def _tag(attribute: Attribute) -> str:
    return f"({attribute.tag >> 16:04X},{attribute.tag & 0xFFFF:04X})"
