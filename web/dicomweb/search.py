"""A search as the query string has it (PS3.18 8.3.4), and which attributes its answers carry (10.6.3.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from multidict import MultiMapping

from appliance.dicom.attributes import ATTRIBUTES, BY_KEYWORD, BY_TAG, Attribute, Level
from appliance.dicom.query import Match, condition, tag_named

MOST = 10_000
"""Answers at a time, whatever is asked for."""

_PARAMETERS = frozenset(
    "limit offset fuzzymatching includefield emptyvaluematching multiplevaluematching accept charset".split()
)
_RANK = {Level.STUDY: 0, Level.SERIES: 1, Level.INSTANCE: 2}
_MOST_DIGITS = 9
_NEVER_MATCHED = 0x00080005
"""Specific Character Set says how the other keys are written, and is no key itself (PS3.4 C.2.2.2)."""

_ALWAYS = {
    Level.STUDY: "StudyDate StudyTime AccessionNumber ModalitiesInStudy ReferringPhysicianName PatientName PatientID"
    " PatientBirthDate PatientSex StudyInstanceUID StudyID NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances",
    Level.SERIES: "Modality SeriesInstanceUID SeriesNumber NumberOfSeriesRelatedInstances",
    Level.INSTANCE: "SOPClassUID SOPInstanceUID InstanceNumber",
}
"""Types R and U of tables 10.6.3-3, -4 and -5: there even when empty."""
_IF_KNOWN = {
    Level.STUDY: "TimezoneOffsetFromUTC",
    Level.SERIES: "SeriesDescription PerformedProcedureStepStartDate PerformedProcedureStepStartTime",
    Level.INSTANCE: "Rows Columns BitsAllocated NumberOfFrames AvailableTransferSyntaxUID",
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
    warnings: tuple[str, ...]
    """What could not be done as asked."""


def read(level: Level, path: Mapping[str, str], query: MultiMapping[str]) -> Search:
    """The search for rows of `level` below the UIDs of `path`, by keyword, with the parameters of `query`.

    Raises ValueError with a sentence for what can't be right.
    """
    keys, ignored = _keys(query)
    multiple, empty = _flag(query, "multiplevaluematching"), _flag(query, "emptyvaluematching")
    conditions = [condition(key, value, multiple=multiple, empty=empty) for key, value in keys.items()]
    match = Match(
        level,
        tuple(filter(None, conditions)),
        fuzzy=_flag(query, "fuzzymatching"),
        within=dict(path),
        combined=True,  # QIDO always does (8.3.4.1), C-FIND where it was negotiated
    )
    always, if_known = _attributes(match, list(keys), _included(query))
    warned = (f"Not supported for matching, and so ignored: {', '.join(ignored)}",) if ignored else ()
    limit = min(_number(query, "limit", MOST), MOST)
    return Search(match, limit, _number(query, "offset", 0), always, if_known, warned)


def _keys(query: MultiMapping[str]) -> tuple[dict[str, str], list[str]]:
    """Values by keyword of what the index can match, and the names of what it can't."""
    keys: dict[str, str] = {}
    ignored: list[str] = []
    for name, value in query.items():
        if name in _PARAMETERS:
            continue
        tags = [tag_named(part) for part in name.split(".")]
        attribute = BY_TAG.get(tags[0]) if len(tags) == 1 else None
        if attribute is None:
            ignored += [] if tags == [_NEVER_MATCHED] else [name]
        elif attribute.keyword in keys:
            raise ValueError(f"{attribute.keyword} is given twice")
        else:
            keys[attribute.keyword] = value
    return keys, ignored


def _attributes(match: Match, keys: list[str], included: set[str] | None) -> tuple[frozenset[str], frozenset[str]]:
    """Those of the tables, those asked by, those asked for; never of a lower level."""
    rank = _RANK[match.level]
    tables = [level for level in Level if level is match.level or _is_open(level, match)]
    always = {word for level in tables for word in _ALWAYS[level].split()}
    always |= {_UNIQUE[level] for level in Level if _RANK[level] <= rank}
    always |= {key for key in keys if BY_KEYWORD[key].level is match.level}
    if included is None:
        always |= {attribute.keyword for attribute in ATTRIBUTES if attribute.level is match.level}
    else:
        always |= {key for key in included if _RANK[BY_KEYWORD[key].level] <= rank}
    if_known = {word for level in tables for word in _IF_KNOWN[level].split()} - always
    return frozenset(always), frozenset(if_known)


def _is_open(level: Level, match: Match) -> bool:
    """Whether a level above the answers is not named by the path, so that they must tell (10.6.3.3.2, -3)."""
    return _RANK[level] < _RANK[match.level] and _UNIQUE[level] not in match.within


def _included(query: MultiMapping[str]) -> set[str] | None:
    """Keywords of the attributes in `includefield`, those we have; None for `all`."""
    names = [name.strip() for value in query.getall("includefield", []) for name in value.split(",")]
    if "all" in names:
        return None
    return {attribute.keyword for name in names if name for attribute in _indexed(name)}


def _indexed(name: str) -> Iterator[Attribute]:
    tags = [tag_named(part) for part in name.split(".")]
    if len(tags) == 1 and tags[0] in BY_TAG:
        yield BY_TAG[tags[0]]


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
