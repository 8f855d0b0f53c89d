"""A search as the query string has it (PS3.18 8.3.4), and which attributes its answers carry (10.6.3.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from multidict import MultiMapping
from pydicom.datadict import dictionary_VR, keyword_for_tag

from appliance.dicom.attributes import ATTRIBUTES, BY_KEYWORD, BY_TAG, MORE, Level
from appliance.dicom.json import Json
from appliance.dicom.matching import Manner, matcher
from appliance.dicom.query import Match, condition, known_tag, nearest, tag_named

MOST = 10_000
"""Answers at a time, whatever is asked for."""

_PARAMETERS = frozenset(
    "limit offset fuzzymatching includefield emptyvaluematching multiplevaluematching accept charset".split()
)
_RANK = {Level.STUDY: 0, Level.SERIES: 1, Level.INSTANCE: 2}
_MOST_DIGITS = 9
_TOLD, _LONGEST_TOLD = 5, 80
"""Names of ignored parameters that a warning has room for, and their characters."""
_NEVER_MATCHED = 0x00080005
"""Specific Character Set says how the other keys are written, and is no key itself (PS3.4 C.2.2.2)."""

_REQUEST = "00400275"
"""Request Attributes Sequence: of a series, told when there is one (table 10.6.3-4)."""

_ALWAYS = {
    Level.STUDY: "StudyDate StudyTime AccessionNumber ModalitiesInStudy ReferringPhysicianName PatientName PatientID"
    " PatientBirthDate PatientSex StudyInstanceUID StudyID NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances",
    Level.SERIES: "Modality SeriesInstanceUID SeriesNumber NumberOfSeriesRelatedInstances",
    Level.INSTANCE: "SOPClassUID SOPInstanceUID InstanceNumber",
}
"""Types R and U of tables 10.6.3-3, -4 and -5: there even when empty."""
_IF_KNOWN = {
    Level.STUDY: "TimezoneOffsetFromUTC",
    Level.SERIES: "TimezoneOffsetFromUTC SeriesDescription PerformedProcedureStepStartDate"
    " PerformedProcedureStepStartTime",
    Level.INSTANCE: "TimezoneOffsetFromUTC Rows Columns BitsAllocated NumberOfFrames AvailableTransferSyntaxUID",
}
"""Type C of the same tables; viewers tell films by the last (PS3.4 C.6.1.1.5)."""
_UNIQUE = {Level.STUDY: "StudyInstanceUID", Level.SERIES: "SeriesInstanceUID", Level.INSTANCE: "SOPInstanceUID"}


@dataclass(frozen=True)
class Search:
    """What is looked for, how many of it, and how it is answered."""

    match: Match
    limit: int
    offset: int
    always: frozenset[str]
    """Keywords of the attributes that each answer carries."""
    if_known: frozenset[str]
    """Keywords of those that it carries when there is a value."""
    more: frozenset[str]
    """Tags, as DICOM JSON has them, of what is not indexed and is told when there is a value."""
    everything: bool
    """Whether all that is known of its level is asked for."""
    deep: Json
    """Keys that the index can't match, as DICOM JSON; sequences of one item."""
    manner: Manner
    """How those are matched."""
    warnings: tuple[str, ...]
    """What could not be done as asked."""


def read(level: Level, path: Mapping[str, str], query: MultiMapping[str]) -> Search:
    """The search for rows of `level` below the UIDs of `path`, by keyword, with the parameters of `query`.

    Raises ValueError with a sentence for what can't be right.
    """
    manner = Manner(multiple=_flag(query, "multiplevaluematching"), empty=_flag(query, "emptyvaluematching"))
    keys, deep, told, ignored = _keys(query)
    matcher(deep, manner)  # raises what can't be right
    conditions = [condition(key, value, multiple=manner.multiple, empty=manner.empty) for key, value in keys.items()]
    match = Match(
        level,
        tuple(filter(None, conditions)),
        fuzzy=_flag(query, "fuzzymatching"),
        within=dict(path),
        combined=True,  # QIDO always does (8.3.4.1), C-FIND where it was negotiated
    )
    tags = _included(query)
    always, if_known = _attributes(match, list(keys), tags)
    more = {f"{tag:08X}" for tag in told | {tag for tag in tags or () if _is_told(tag, level)}}
    if level is Level.SERIES:
        more.add(_REQUEST)
    warned = [_warning(ignored)] if ignored else []
    if match.fuzzy and _names_someone(deep):
        warned.append("Of names that are not indexed only literal matching has been performed")
    limit, offset = min(_number(query, "limit", MOST), MOST), _number(query, "offset", 0)
    return Search(match, limit, offset, always, if_known, frozenset(more), tags is None, deep, manner, tuple(warned))


def _keys(query: MultiMapping[str]) -> tuple[dict[str, str], Json, set[int], list[str]]:
    """Values by keyword of what the index can match, the other keys, their tags, and the names of what is no key."""
    keys: dict[str, str] = {}
    deep: Json = {}
    told: set[int] = set()
    ignored: list[str] = []
    for name, value in query.items():
        if name in _PARAMETERS:
            continue
        tags = _path(name)
        attribute = BY_TAG.get(tags[0]) if len(tags) == 1 else None
        if attribute is None and tags == [_NEVER_MATCHED]:
            continue
        if attribute is None and not (tags and all(map(keyword_for_tag, tags))):
            ignored.append(name)
        elif attribute is None:
            told.add(tags[0])
            _add(deep, tags, name, value)
        elif attribute.keyword in keys:
            raise ValueError(f"{attribute.keyword} is given twice")
        else:
            keys[attribute.keyword] = value
    return keys, deep, told, ignored


def _path(name: str) -> list[int]:
    """The tags that a parameter's name leads along; none when it names no attribute (8.3: it is ignored then)."""
    parts = name.split(".")
    tags = [tag for part in parts if (tag := known_tag(part)) is not None]
    return tags if len(tags) == len(parts) else []


def _warning(ignored: Sequence[str]) -> str:
    """Which parameters were ignored, some of many: it goes into a header, and finding what was meant takes time."""
    names = list(dict.fromkeys(ignored))
    told = ", ".join(map(_worded, names[:_TOLD]))
    more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    return f"Not supported for matching, and so ignored: {told}{more}"


def _worded(name: str) -> str:
    """A foreign name as a header's text can hold it, percent-encoded, with what may have been meant."""
    text = quote(name[:_LONGEST_TOLD], errors="replace") or "one without a name"
    if len(name) > _LONGEST_TOLD or len(text) > _LONGEST_TOLD:
        return f"{text[:_LONGEST_TOLD]}..."
    near = nearest(name) if not _path(name) else ""
    return f"{text} (did you mean {near}?)" if near else text


def _add(keys: Json, path: Sequence[int], name: str, value: str) -> None:
    """The key at `path`, in the items of sequences: those in the same sequence are of the same item."""
    *sequences, last = path
    if not value.strip(" *"):
        return  # it matches everything (C.2.2.2.3)
    for tag in sequences:
        member = keys.setdefault(f"{tag:08X}", {"vr": dictionary_VR(tag), "Value": [{}]})
        if member["vr"] != "SQ":
            raise ValueError(f"{name} names an attribute within one that is no sequence")
        keys = member["Value"][0]
    if f"{last:08X}" in keys:
        raise ValueError(f"{name} is given twice")
    vr = dictionary_VR(last)
    keys[f"{last:08X}"] = {"vr": vr, "Value": [{}] if vr == "SQ" else [value]}


def _names_someone(keys: Json) -> bool:
    """Whether a person name is among the keys, at whatever depth."""
    within = (item for key in keys.values() if key["vr"] == "SQ" for item in key["Value"])
    return any(key["vr"] == "PN" for key in keys.values()) or any(map(_names_someone, within))


def _is_told(tag: int, level: Level) -> bool:
    """Whether an attribute that is not indexed may be told of `level`, and not only of one below."""
    keyword = keyword_for_tag(tag)
    above = (other for other in Level if _RANK[other] <= _RANK[level])
    return tag not in BY_TAG and (level is Level.INSTANCE or any(keyword in MORE[other] for other in above))


def _attributes(match: Match, keys: list[str], included: set[int] | None) -> tuple[frozenset[str], frozenset[str]]:
    """Those of the tables, those asked by, those asked for; never of a lower level."""
    rank = _RANK[match.level]
    tables = [level for level in Level if level is match.level or _is_open(level, match)]
    always = {word for level in tables for word in _ALWAYS[level].split()}
    always |= {_UNIQUE[level] for level in Level if _RANK[level] <= rank}
    always |= {key for key in keys if BY_KEYWORD[key].level is match.level}
    if included is None:
        always |= {attribute.keyword for attribute in ATTRIBUTES if attribute.level is match.level}
    else:
        indexed = (BY_TAG[tag] for tag in included if tag in BY_TAG)
        always |= {attribute.keyword for attribute in indexed if _RANK[attribute.level] <= rank}
    if_known = {word for level in tables for word in _IF_KNOWN[level].split()} - always
    return frozenset(always), frozenset(if_known)


def _is_open(level: Level, match: Match) -> bool:
    """Whether a level above the answers is not named by the path, so that they must tell (10.6.3.3.2, -3)."""
    return _RANK[level] < _RANK[match.level] and _UNIQUE[level] not in match.within


def _included(query: MultiMapping[str]) -> set[int] | None:
    """Tags of the attributes in `includefield`, of sequences where a path leads into one; None for `all`."""
    names = [name.strip() for value in query.getall("includefield", []) for name in value.split(",")]
    if "all" in names:
        return None
    paths = ([tag_named(part) for part in name.split(".")] for name in names if name)
    return {path[0] for path in paths}


def _flag(query: MultiMapping[str], name: str) -> bool:
    value = _single(query, name, "false").lower()
    if value not in ("true", "false"):
        raise ValueError(f"{name} is true or false, not {value[:20]!r}")
    return value == "true"


def _number(query: MultiMapping[str], name: str, default: int) -> int:
    value = _single(query, name, str(default))
    if not (value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS):
        raise ValueError(f"{name} is a whole number from 0, not {value[:20]!r}")
    return int(value)


def _single(query: MultiMapping[str], name: str, default: str) -> str:
    values = query.getall(name, [default])
    if len(values) > 1:
        raise ValueError(f"{name} is given twice")
    return values[0].strip()
