"""A query as data: which attributes, matched how (PS3.4 C.2.2.2), at which level."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from enum import StrEnum

from pydicom.datadict import tag_for_keyword

from appliance.dicom.attributes import BY_KEYWORD, Attribute, Level
from appliance.dicom.names import fold


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
    EMPTY = "empty"
    """C.2.2.2.7: there is no value."""


@dataclass(frozen=True)
class Condition:
    """One key that narrows the answer; universal keys make none."""

    attribute: Attribute
    kind: Kind
    values: tuple[str, ...] = ()
    """The values of which any will do; lower and upper bound of a range, empty where open."""


@dataclass(frozen=True)
class Match:
    """What to look for: rows of `level` for which every condition holds."""

    level: Level
    conditions: tuple[Condition, ...] = ()
    fuzzy: bool = False
    """Names match by any part of any component (QIDO fuzzymatching, C-FIND semantic matching)."""
    within: dict[str, str] = field(default_factory=dict)
    """UIDs that come from the path or the hierarchy, by keyword; exact."""
    combined: bool = False
    """Ranges of a date and its time are one span of time (C.2.2.2.5.4), not a span of each day's hours."""


EMPTY = '""'
"""The key that asks for rows without a value, where empty value matching is agreed on (C.2.2.2.7)."""

_MAX_VALUE = 1024
"""Characters of a key's value, lists of UIDs aside; more than any VR that is indexed can hold."""
_NEVER_MATCHED = frozenset(("TimezoneOffsetFromUTC",))
"""It tells how to read the other keys, and is no key itself (C.2.2.2)."""
_LISTED = frozenset(("ModalitiesInStudy",))
"""A list by comma or backslash, as UIDs are: viewers send one, and a CS holds neither."""
_RANGES = frozenset(("DA", "TM"))
_WILD = frozenset(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"))
_INTEGERS = frozenset(("IS", "US"))
_NUMBER = re.compile(r"[+-]?[0-9]{1,12}")
_UID = re.compile(r"[0-9.]{1,64}")
_FORM = {
    "DA": (re.compile(r"[0-9]{8}"), "a date YYYYMMDD"),
    "TM": (re.compile(r"[0-9]{2}([0-9]{2}([0-9]{2}(\.[0-9]{1,6})?)?)?"), "a time HHMMSS"),
}
_ACR_DATE = re.compile(r"([0-9]{4})\.([0-9]{2})\.([0-9]{2})")
_TAG = re.compile(r"[0-9A-Fa-f]{8}")


def tag_named(name: str) -> int:
    """The tag that a keyword or eight hexadecimal digits name (PS3.18 8.3.4.1).

    Raises ValueError when there is no such attribute.
    """
    tag = known_tag(name)
    if tag is None:
        hint = f"; did you mean {near}?" if (near := nearest(name)) else ""
        raise ValueError(f"{name!r} is no DICOM attribute{hint}")
    return tag


def known_tag(name: str) -> int | None:
    """As `tag_named`; None when there is no such attribute."""
    if _TAG.fullmatch(name):
        return int(name, 16)
    return tag_for_keyword(name) if name else None  # pydicom has a nameless tag


def nearest(name: str) -> str:
    """The indexed keyword that may have been meant; empty when none is near."""
    near = difflib.get_close_matches(name, BY_KEYWORD, 1)
    return near[0] if near else ""


def condition(keyword: str, value: str, *, multiple: bool = False, empty: bool = False) -> Condition | None:
    """The condition that `value` asks of `keyword`, or None for universal matching.

    `multiple` and `empty` say that multiple and empty value matching were agreed on (C.2.2.2.8, C.2.2.2.7).
    Raises KeyError when the attribute is not indexed, ValueError when the value cannot be one of its VR.
    """
    return narrowing(BY_KEYWORD[keyword], value, multiple=multiple, empty=empty)


def narrowing(attribute: Attribute, value: str, *, multiple: bool = False, empty: bool = False) -> Condition | None:
    """As `condition`, of any attribute, indexed or not."""
    keyword = attribute.keyword
    value = _clean(keyword, value)
    if not value or set(value) == {"*"} or keyword in _NEVER_MATCHED:
        return None
    if empty and value == EMPTY:
        return Condition(attribute, Kind.EMPTY)
    if attribute.vr == "UI":
        return _uids(attribute, _split(value))
    if len(value) > _MAX_VALUE:
        raise ValueError(f"the value for {keyword} is longer than {_MAX_VALUE} characters")
    if attribute.vr in _RANGES:
        return _temporal(attribute, value)
    if keyword in _LISTED:
        return _any_of(attribute, _split(value))
    return _any_of(attribute, value.split("\\") if multiple else [value])


def _clean(keyword: str, value: str) -> str:
    value = value.strip(" \0")
    if not all(c >= " " and not "\ud800" <= c <= "\udfff" for c in value):
        raise ValueError(f"the value for {keyword} holds control characters")
    return value


def _split(value: str) -> list[str]:
    return value.replace(",", "\\").split("\\")


def _uids(attribute: Attribute, values: list[str]) -> Condition:
    uids = tuple(uid.strip() for uid in values if uid.strip())
    for uid in uids:
        if not _UID.fullmatch(uid):
            raise ValueError(f"{attribute.keyword} takes UIDs of digits and dots, got {uid[:80]!r}")
    if not uids:
        raise ValueError(f"{attribute.keyword} takes UIDs, got none")
    return Condition(attribute, Kind.UID_LIST if len(uids) > 1 else Kind.SINGLE, uids)


def _any_of(attribute: Attribute, values: list[str]) -> Condition | None:
    wanted = tuple(value.strip() for value in values if value.strip())
    if any(_is_universal(attribute, value) for value in wanted) or not wanted:
        return None
    if attribute.vr in _INTEGERS:
        for value in wanted:
            if not _NUMBER.fullmatch(value):
                raise ValueError(f"{attribute.keyword} takes a whole number, got {value!r}")
    wild = attribute.vr in _WILD and any("*" in value or "?" in value for value in wanted)
    return Condition(attribute, Kind.WILDCARD if wild else Kind.SINGLE, wanted)


def _is_universal(attribute: Attribute, value: str) -> bool:
    """A name of separators alone says nothing about anyone."""
    return set(value) == {"*"} or (attribute.vr == "PN" and set(fold(value)) <= {"*", " "})


def _temporal(attribute: Attribute, value: str) -> Condition:
    bounds = [_plain(attribute.vr, bound.strip()) for bound in value.split("-")]
    pattern, form = _FORM[attribute.vr]
    if len(bounds) > 2 or not any(bounds) or not all(pattern.fullmatch(bound) for bound in bounds if bound):
        raise ValueError(f"{attribute.keyword} takes {form} or a range a-b, got {value[:80]!r}")
    return Condition(attribute, Kind.SINGLE if len(bounds) == 1 else Kind.RANGE, tuple(bounds))


def _plain(vr: str, bound: str) -> str:
    """Without the separators of ACR-NEMA days, which are still to be understood (PS3.5 6.2)."""
    return _ACR_DATE.sub(r"\1\2\3", bound) if vr == "DA" else bound.replace(":", "")
