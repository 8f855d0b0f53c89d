"""A query as data: which attributes, matched how (PS3.4 C.2.2.2), at which level."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from appliance.dicom.attributes import BY_KEYWORD, Attribute, Level


class Kind(StrEnum):
    """How a key is matched."""

    SINGLE = "single"
    """C.2.2.2.1, exactly; person names without case and diacritics."""
    UID_LIST = "uid list"
    """C.2.2.2.2."""
    WILDCARD = "wildcard"
    """C.2.2.2.4, `*` and `?`."""
    RANGE = "range"
    """C.2.2.2.5, dates and times, open on either side."""


@dataclass(frozen=True)
class Condition:
    """One key that narrows the answer; universal keys make none."""

    attribute: Attribute
    kind: Kind
    values: tuple[str, ...]
    """The value; the UIDs of a list; lower and upper bound of a range, empty where open."""


@dataclass(frozen=True)
class Match:
    """What to look for: rows of `level` for which every condition holds."""

    level: Level
    conditions: tuple[Condition, ...] = ()
    fuzzy: bool = False
    """Names match by any part of any component (QIDO fuzzymatching, C-FIND semantic matching)."""
    within: dict[str, str] = field(default_factory=dict)
    """UIDs that come from the path or the hierarchy, by keyword; exact."""


_RANGES = frozenset(("DA", "TM", "DT"))
_WILD = frozenset(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"))


def condition(keyword: str, value: str) -> Condition | None:
    """The condition that `value` asks of `keyword`, or None for universal matching.

    Raises KeyError when the attribute is not indexed, ValueError when the value cannot be one of its VR.
    """
    attribute = BY_KEYWORD[keyword]
    value = value.strip(" \0")
    if not value or (set(value) == {"*"} and attribute.vr in _WILD):
        return None
    if keyword == "ModalitiesInStudy":
        listed = tuple(v.strip() for v in value.replace(",", "\\").split("\\") if v.strip())
        return Condition(attribute, Kind.SINGLE, listed)
    if attribute.vr == "UI":
        uids = tuple(uid.strip() for uid in value.replace(",", "\\").split("\\") if uid.strip())
        if any(set(uid) - set("0123456789.") or len(uid) > 64 for uid in uids):
            raise ValueError(f"{keyword} takes UIDs of digits and dots, got {value!r}")
        return Condition(attribute, Kind.UID_LIST if len(uids) > 1 else Kind.SINGLE, uids)
    if attribute.vr in _RANGES:
        return _temporal(attribute, value)
    if attribute.vr in _WILD and ("*" in value or "?" in value):
        return Condition(attribute, Kind.WILDCARD, (value,))
    if attribute.vr in ("IS", "US") and not value.lstrip("+-").isdigit():
        raise ValueError(f"{keyword} takes a whole number, got {value!r}")
    return Condition(attribute, Kind.SINGLE, (value,))


def _temporal(attribute: Attribute, value: str) -> Condition:
    bounds = [bound.strip().replace(":", "") for bound in value.split("-")]
    if attribute.vr == "DA":
        bounds = [bound.replace(".", "") for bound in bounds]
    digits = {"DA": 8, "TM": 13}.get(attribute.vr, 26)
    if len(bounds) > 2 or not any(bounds) or any(b and not _temporal_ok(attribute.vr, b, digits) for b in bounds):
        raise ValueError(f"{attribute.keyword} takes a {_FORM[attribute.vr]} or a range a-b, got {value!r}")
    if len(bounds) == 1:
        return Condition(attribute, Kind.SINGLE, (bounds[0],))
    return Condition(attribute, Kind.RANGE, (bounds[0], bounds[1]))


_FORM = {"DA": "date YYYYMMDD", "TM": "time HHMMSS", "DT": "date and time YYYYMMDDHHMMSS"}


def _temporal_ok(vr: str, bound: str, digits: int) -> bool:
    plain = bound.replace(".", "", 1) if vr != "DA" else bound
    return plain.isdigit() and len(bound) <= digits and (vr != "DA" or len(bound) == 8)
