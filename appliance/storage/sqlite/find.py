"""A `Match` as SQL: one small function a rule of PS3.4 C.2.2.2.

How 100,000 studies are answered in milliseconds: what must occur in an answer is looked up in the full-text
index first. When that, or an exact key, leaves few studies, only those are looked at; else the newest are
walked past one by one until there are enough answers, in an index that holds what is asked for most.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from appliance.dicom.attributes import ATTRIBUTES, BY_KEYWORD, Attribute, Level
from appliance.dicom.names import fold
from appliance.dicom.query import Condition, Kind, Match

_NAMES = ("patient_name", "referring_physician_name")
_TEXTS = (
    "patient_id",
    "accession_number",
    "study_description",
    "study_date",
    "patient_birth_date",
    "modalities_in_study",
)
_TABLE = {Level.STUDY: "study", Level.SERIES: "series", Level.INSTANCE: "instance"}
_ORDER = {Level.STUDY: 0, Level.SERIES: 1, Level.INSTANCE: 2}
_COLUMNS = {level: {a.keyword: a.column for a in ATTRIBUTES if _ORDER[a.level] <= _ORDER[level]} for level in Level}
"""What an answer carries, by keyword: its level's attributes and those above."""
_ANSWERED = {level: [*columns] for level, columns in _COLUMNS.items()}
_ANSWERED[Level.INSTANCE].append("AvailableTransferSyntaxUID")
_SORT = {
    Level.STUDY: "study.id DESC",
    Level.SERIES: "study.id DESC, cast(series.series_number AS INTEGER), series.id",
    Level.INSTANCE: "study.id DESC, cast(series.series_number AS INTEGER), series.id,"
    " cast(instance.instance_number AS INTEGER), instance.id",
}
"""Newest study first, and never another order, so that pages fit together (PS3.18 8.3.4.4.1)."""
_SELECTIVE = frozenset(("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "PatientID", "AccessionNumber"))
"""Indexed, and naming few rows when asked for exactly."""
_NARROW_DAYS = 31
_TRIGRAM = 3
"""The shortest text that the full-text index can look up."""
_LOOKED_UP = 12
"""Trigrams a query; more would hardly leave fewer studies."""
_FEW = 1000
"""Studies that are cheaper to look at one by one than to walk past."""
_MIDNIGHT = "000000.000000"
_LAST_MOMENT = "235959.999999"
_ACROSS = re.compile(r"[*?]")

Sql = tuple[str, list[Any]]


def statement(match: Match, limit: int | None, offset: int, few: Sequence[int] | None = None) -> Sql:
    """The SELECT for `match`; `few` are the only studies that can hold answers, if that is known."""
    names = ", ".join(f"{_name(BY_KEYWORD[key])} AS {column}" for key, column in _COLUMNS[match.level].items())
    extra = ", instance.transfer_syntax_uid" if match.level is Level.INSTANCE else ""
    found, values = rows(match, few)
    sql = f"SELECT {names}{extra} {found} ORDER BY {_SORT[match.level]} LIMIT ? OFFSET ?"
    return sql, [*values, -1 if limit is None else limit, offset]  # -1 is SQLite's word for no limit


def count(match: Match, few: Sequence[int] | None = None) -> Sql:
    """The SELECT that counts the rows for `match`."""
    found, values = rows(match, few)
    return f"SELECT count(*) {found}", values


def answer(level: Level, row: sqlite3.Row) -> dict[str, Any]:
    """A row by keyword, and `AvailableTransferSyntaxUID` at instance level."""
    return dict(zip(_ANSWERED[level], row, strict=True))  # by place: a row looks each name up one by one


def text_of(study: Mapping[str, Any]) -> str:
    """What the full-text index holds of a study: its names with their marks, the rest folded."""
    return " ".join((*(folded_name(study[c]) for c in _NAMES), fold(" ".join(study[c] for c in _TEXTS))))


def texts(match: Match) -> list[str]:
    """What must occur in the full text of every study that answers `match`; none where an index is better."""
    if _names_few(match):
        return []
    return [text for condition in match.conditions for text in _texts(condition, match.fuzzy)]


def few_with(connection: sqlite3.Connection, wanted: Sequence[str]) -> list[int] | None:
    """The studies in whose text all of `wanted` may occur, if they are few and the texts long enough to tell."""
    trigrams = sorted({trigram for text in wanted for trigram in _trigrams(text)})[:_LOOKED_UP]
    if not trigrams:
        return None
    quoted = " AND ".join('"' + trigram.replace('"', '""') + '"' for trigram in trigrams)
    rows = connection.execute(
        "SELECT rowid FROM study_text WHERE study_text MATCH ? LIMIT ?", (quoted, _FEW + 1)
    ).fetchall()
    return [row[0] for row in rows] if len(rows) <= _FEW else None


def _trigrams(text: str) -> list[str]:
    """Side by side, not overlapping: to look up a whole phrase takes five times as long."""
    starts = [*range(0, len(text) - _TRIGRAM, _TRIGRAM), len(text) - _TRIGRAM]
    return [text[start : start + _TRIGRAM] for start in starts if start >= 0]


def words(wanted: Sequence[str], few: Sequence[int] | None) -> Sql:
    """The WHERE of a search for folded words, each anywhere in the study's text."""
    clauses = ["EXISTS (SELECT 1 FROM study_text WHERE rowid = study.id AND instr(text, ?) > 0)" for _ in wanted]
    values: list[Any] = list(wanted)
    if few is not None:
        clauses.insert(0, _AMONG)
        values.insert(0, _json(few))
    return (" WHERE " + " AND ".join(clauses) if clauses else ""), values


def folded_name(names: str) -> str:
    """Person names for matching: `= doe john = 山田 太郎 =`, each component group and value folded."""
    groups = [folded for group in re.split(r"[=\\]", names) if (folded := fold(group))]
    return f"= {' = '.join(groups)} =" if groups else ""


_AMONG = "study.id IN (SELECT value FROM json_each(?))"


def _json(values: Sequence[Any]) -> str:
    return orjson.dumps(values).decode()


def _name(attribute: Attribute) -> str:
    return f"{_TABLE[attribute.level]}.{_COLUMNS[attribute.level][attribute.keyword]}"


def rows(match: Match, few: Sequence[int] | None) -> Sql:
    """FROM and WHERE."""
    given = [(f"{_name(BY_KEYWORD[key])} = ?", [uid]) for key, uid in match.within.items()]
    if few is not None:
        given.append((_AMONG, [_json(few)]))
    here = [c for c in match.conditions if _ORDER[c.attribute.level] <= _ORDER[match.level]]
    given += _clauses(here, match)
    below = [c for c in match.conditions if c not in here]
    if below:
        given.append(_below(below, match))
    where = " WHERE " + " AND ".join(clause for clause, _ in given) if given else ""
    tables = _from(match.level, few is not None or _names_few(match))
    return f"FROM {tables}{where}", [value for _, values in given for value in values]


def _names_few(match: Match) -> bool:
    return bool(match.within) or any(map(_is_selective, match.conditions))


def _from(level: Level, few_rows: bool) -> str:
    """The tables. Unless few rows are at stake, SQLite is held to walk the studies in their order."""
    study = "study" if few_rows else "study INDEXED BY study_walk"
    join = "JOIN" if few_rows else "CROSS JOIN"
    series = f" {join} series ON series.study_ref = study.id" if level is not Level.STUDY else ""
    instance = f" {join} instance ON instance.series_ref = series.id" if level is Level.INSTANCE else ""
    return f"{study}{series}{instance}"


def _is_selective(condition: Condition) -> bool:
    if condition.kind in (Kind.SINGLE, Kind.UID_LIST) and condition.attribute.keyword in _SELECTIVE:
        return True
    return condition.attribute.keyword == "StudyDate" and _is_narrow(condition.values)


def _is_narrow(days: Sequence[str]) -> bool:
    try:
        first, last = (datetime.strptime(day, "%Y%m%d") for day in (days[0], days[-1]))  # noqa: DTZ007
    except (ValueError, IndexError):
        return False
    return (last - first).days <= _NARROW_DAYS


def _below(conditions: Sequence[Condition], match: Match) -> Sql:
    """That one series, or one instance, below the row meets all of `conditions`."""
    parts = _clauses(conditions, match)
    where = " AND ".join(clause for clause, _ in parts)
    values = [value for _, some in parts for value in some]
    deep = any(condition.attribute.level is Level.INSTANCE for condition in conditions)
    if match.level is Level.SERIES:
        link, table = ("series.id", "instance.series_ref"), "instance"
    else:
        link = ("study.id", "series.study_ref")
        table = "series JOIN instance ON instance.series_ref = series.id" if deep else "series"
    if any(map(_is_selective, conditions)):
        return f"{link[0]} IN (SELECT {link[1]} FROM {table} WHERE {where})", values
    return f"EXISTS (SELECT 1 FROM {table} WHERE {link[1]} = {link[0]} AND {where})", values


def _clauses(conditions: Sequence[Condition], match: Match) -> list[Sql]:
    spans = _spans(conditions) if match.combined else {}
    joined = {key for pair in spans for key in pair}
    return [_span(date, time) for date, time in spans.values()] + [
        _clause(condition, match.fuzzy) for condition in conditions if condition.attribute.keyword not in joined
    ]


def _clause(condition: Condition, fuzzy: bool) -> Sql:
    attribute, values = condition.attribute, condition.values
    if condition.kind is Kind.EMPTY:
        return f"{_name(attribute)} = ''", []
    if attribute.vr == "PN":
        return _any([_person(attribute, value, fuzzy) for value in values])
    if attribute.vr == "DA":
        return _date(attribute, values[0], values[-1])
    if attribute.vr == "TM":
        return _time(attribute, values[0], values[-1])
    if attribute.vr in ("IS", "US"):
        return f"{_name(attribute)} <> '' AND cast({_name(attribute)} AS INTEGER) IN {_IN}", [
            _json([*map(int, values)])
        ]
    if attribute.multiple:
        return _any([_in_list(attribute, value) for value in values])
    if condition.kind is Kind.WILDCARD:
        return _any([(f"{_name(attribute)} GLOB ?", [_glob(value)]) for value in values])
    if len(values) == 1:
        return f"{_name(attribute)} = ?", list(values)
    return f"{_name(attribute)} IN {_IN}", [_json(values)]


_IN = "(SELECT value FROM json_each(?))"
"""A list of any length as one bound value."""


def _any(alternatives: Sequence[Sql]) -> Sql:
    clause = " OR ".join(f"({clause})" for clause, _ in alternatives)
    return f"({clause})", [value for _, values in alternatives for value in values]


def _person(attribute: Attribute, value: str, fuzzy: bool) -> Sql:
    """Without case and diacritics, each group of the key in any component group of the name."""
    column = "study.folded_name" if attribute.keyword == "PatientName" else f"folded_name({_name(attribute)})"
    patterns = _name_patterns(value, fuzzy)
    clauses = [f"{column} GLOB ?" for _ in patterns]
    values = [_glob(pattern if fuzzy else f"*={pattern}=*") for pattern in patterns]
    for pattern in patterns:
        if not fuzzy and _ACROSS.search(pattern):
            clauses.append(_within_one(f"trim({column}, '=')", "="))
            values.append(_glob(pattern))
    return " AND ".join(clauses), values


def _name_patterns(value: str, fuzzy: bool) -> list[str]:
    """What each word, or each component group of a key, must match; groups stand between spaces.

    Components that a wildcard leaves open may be absent: `Doe^*` finds `Doe`.
    """
    if fuzzy:
        return [f"*{word}*" for word in fold(value).split()]
    patterns = []
    for group in filter(None, map(fold, value.split("="))):
        pattern = re.sub(r"^(\* )+", "* ", re.sub(r"( \*)+$", " *", group))
        patterns.append(("" if pattern[0] == "*" else " ") + pattern + ("" if pattern[-1] == "*" else " "))
    return patterns


def _texts(condition: Condition, fuzzy: bool) -> list[str]:
    """The parts of a key without its wildcards; of a name also where it begins and ends."""
    if condition.kind not in (Kind.SINGLE, Kind.WILDCARD) or len(condition.values) != 1:
        return []
    value, column = condition.values[0], condition.attribute.column
    if column in _NAMES:
        patterns = [pattern if fuzzy else f"={pattern}=" for pattern in _name_patterns(value, fuzzy)]
        parts = [part for pattern in patterns for part in _ACROSS.split(pattern)]
    else:
        known = column in _TEXTS and not condition.attribute.multiple
        parts = [part.strip() for part in _ACROSS.split(fold(value))] if known else []
    return [part for part in parts if len(part) >= _TRIGRAM]


def _in_list(attribute: Attribute, value: str) -> Sql:
    """One of the backslash-joined values of a row; any of them will do (C.2.2.3)."""
    name = _name(attribute)
    if not _ACROSS.search(value):
        return f"instr('\\' || {name} || '\\', ?) > 0", [f"\\{value}\\"]
    glob = _glob(value)
    return f"{name} GLOB ? AND {_within_one(name, _DOUBLED)}", [f"*{glob}*", glob]


_DOUBLED = "\\\\"
"""A backslash, as JSON has it."""


def _within_one(text: str, separator: str) -> str:
    """That one of the values in `text` matches; a wildcard must not reach into the next one.

    The text as JSON, its separators replaced by those of a list.
    """
    listed = f"""'[' || replace(json_quote({text}), '{separator}', '","') || ']'"""
    return f"EXISTS (SELECT 1 FROM json_each({listed}) WHERE value GLOB ?)"


def _date(attribute: Attribute, low: str, high: str) -> Sql:
    """From `low` to `high`, open where empty; the index holds eight digits or nothing."""
    name = _name(attribute)
    if low == high:
        return f"{name} = ?", [low]
    if not high:
        return f"{name} >= ?", [low]
    return f"{name} BETWEEN ? AND ?", [low or "0", high]


def _time(attribute: Attribute, low: str, high: str) -> Sql:
    """From `low` to `high`, open where empty. A bound of less precision covers all that it names."""
    name = _name(attribute)
    clause = f"{name} GLOB '[0-9]*' AND {_moment(attribute)} BETWEEN ? AND ?"
    return clause, [_pad(low, _MIDNIGHT), _pad(high, _LAST_MOMENT)]


def _spans(conditions: Sequence[Condition]) -> dict[tuple[str, str], tuple[Condition, Condition]]:
    """The dates and times that are ranges of the same form, in pairs."""
    ranges = {c.attribute.keyword: c for c in conditions if c.kind is Kind.RANGE}
    pairs = {}
    for key, date in ranges.items():
        time = ranges.get(key.removesuffix("Date") + "Time")
        if key.endswith("Date") and time and [*map(bool, date.values)] == [*map(bool, time.values)]:
            pairs[key, time.attribute.keyword] = (date, time)
    return pairs


def _span(date: Condition, time: Condition) -> Sql:
    """From the first day's hour to the last day's hour (C.2.2.2.5.4)."""
    name = _name(date.attribute)
    days = _date(date.attribute, *date.values)
    low = (date.values[0] or "0") + _pad(time.values[0], _MIDNIGHT)
    high = (date.values[1] or "9") + _pad(time.values[1], _LAST_MOMENT)
    clause = f"{days[0]} AND {name} <> '' AND {name} || {_moment(time.attribute)} BETWEEN ? AND ?"
    return clause, [*days[1], low, high]


def _moment(attribute: Attribute) -> str:
    """A time of the index in full precision, colons of ACR-NEMA days left out."""
    digits = f"replace({_name(attribute)}, ':', '')"
    return f"substr({digits} || substr('{_MIDNIGHT}', length({digits}) + 1), 1, {len(_MIDNIGHT)})"


def _pad(bound: str, rest: str) -> str:
    return bound + rest[len(bound) :]


def _glob(pattern: str) -> str:
    """DICOM's wildcards are GLOB's; its brackets must mean themselves."""
    return pattern.replace("[", "[[]")
