"""The keys of a query as SQL: one small function a rule of PS3.4 C.2.2.2."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import orjson

from appliance.dicom.attributes import Attribute, Level
from appliance.dicom.query import Condition, Kind, Match
from appliance.storage.sqlite import names

ACROSS = re.compile(r"[*?]")
IN = "(SELECT value FROM json_each(?))"
"""A list of any length as one bound value, which `listed` makes."""
_TABLE = {Level.STUDY: "study", Level.SERIES: "series", Level.INSTANCE: "instance"}
_MIDNIGHT = "000000.000000"
_LAST_MOMENT = "235959.999999"
_DOUBLED = "\\\\"
"""A backslash, as JSON has it."""

Sql = tuple[str, list[Any]]


def column(attribute: Attribute) -> str:
    """Where the index holds it."""
    return f"{_TABLE[attribute.level]}.{attribute.column}"


def listed(values: Sequence[Any]) -> str:
    """What `IN` takes."""
    return orjson.dumps(values).decode()


def clauses(conditions: Sequence[Condition], match: Match) -> list[Sql]:
    """That a row meets each of `conditions`, all of whose tables are in the FROM."""
    spans = _spans(conditions) if match.combined else {}
    joined = {key for pair in spans for key in pair}
    return [_span(date, time) for date, time in spans.values()] + [
        _clause(condition, match.fuzzy) for condition in conditions if condition.attribute.keyword not in joined
    ]


def _clause(condition: Condition, fuzzy: bool) -> Sql:
    attribute, values = condition.attribute, condition.values
    if condition.kind is Kind.EMPTY:
        return f"{column(attribute)} = ''", []
    if attribute.vr == "PN":
        return _any([_person(attribute, value, fuzzy) for value in values])
    if attribute.vr == "DA":
        return _date(attribute, values[0], values[-1])
    if attribute.vr == "TM":
        return _time(attribute, values[0], values[-1])
    if attribute.vr in ("IS", "US"):
        name = column(attribute)
        return f"{name} <> '' AND cast({name} AS INTEGER) IN {IN}", [listed([*map(int, values)])]
    if attribute.multiple:
        return _any([_in_list(attribute, value) for value in values])
    if condition.kind is Kind.WILDCARD:
        return _any([(f"{column(attribute)} GLOB ?", [_glob(value)]) for value in values])
    if len(values) == 1:
        return f"{column(attribute)} = ?", list(values)
    return f"{column(attribute)} IN {IN}", [listed(values)]


def _any(alternatives: Sequence[Sql]) -> Sql:
    clause = " OR ".join(f"({clause})" for clause, _ in alternatives)
    return f"({clause})", [value for _, values in alternatives for value in values]


def _person(attribute: Attribute, value: str, fuzzy: bool) -> Sql:
    """Without case and diacritics, each group of the key in any component group of the name."""
    name = "study.folded_name" if attribute.keyword == "PatientName" else f"folded_name({column(attribute)})"
    patterns = names.patterns(value, fuzzy)
    parts = [f"{name} GLOB ?" for _ in patterns]
    values = [_glob(pattern if fuzzy else f"*={pattern}=*") for pattern in patterns]
    for pattern in patterns:
        if not fuzzy and ACROSS.search(pattern):
            parts.append(_within_one(f"trim({name}, '=')", "="))
            values.append(_glob(pattern))
    return " AND ".join(parts), values


def _in_list(attribute: Attribute, value: str) -> Sql:
    """One of the backslash-joined values of a row; any of them will do (C.2.2.3)."""
    name = column(attribute)
    if not ACROSS.search(value):
        return f"instr('\\' || {name} || '\\', ?) > 0", [f"\\{value}\\"]
    glob = _glob(value)
    return f"{name} GLOB ? AND {_within_one(name, _DOUBLED)}", [f"*{glob}*", glob]


def _within_one(text: str, separator: str) -> str:
    """That one of the values in `text` matches; a wildcard must not reach into the next one.

    The text as JSON, its separators replaced by those of a list.
    """
    array = f"""'[' || replace(json_quote({text}), '{separator}', '","') || ']'"""
    return f"EXISTS (SELECT 1 FROM json_each({array}) WHERE value GLOB ?)"


def _date(attribute: Attribute, low: str, high: str) -> Sql:
    """From `low` to `high`, open where empty; the index holds eight digits or nothing."""
    name = column(attribute)
    if low == high:
        return f"{name} = ?", [low]
    if not high:
        return f"{name} >= ?", [low]
    return f"{name} BETWEEN ? AND ?", [low or "0", high]


def _time(attribute: Attribute, low: str, high: str) -> Sql:
    """From `low` to `high`, open where empty. A bound of less precision covers all that it names."""
    name = column(attribute)
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
    name = column(date.attribute)
    days = _date(date.attribute, *date.values)
    low = (date.values[0] or "0") + _pad(time.values[0], _MIDNIGHT)
    high = (date.values[1] or "9") + _pad(time.values[1], _LAST_MOMENT)
    clause = f"{days[0]} AND {name} <> '' AND {name} || {_moment(time.attribute)} BETWEEN ? AND ?"
    return clause, [*days[1], low, high]


def _moment(attribute: Attribute) -> str:
    """A time of the index in full precision, colons of ACR-NEMA days left out."""
    digits = f"replace({column(attribute)}, ':', '')"
    return f"substr({digits} || substr('{_MIDNIGHT}', length({digits}) + 1), 1, {len(_MIDNIGHT)})"


def _pad(bound: str, rest: str) -> str:
    return bound + rest[len(bound) :]


def _glob(pattern: str) -> str:
    """DICOM's wildcards are GLOB's; its brackets must mean themselves."""
    return pattern.replace("[", "[[]")
