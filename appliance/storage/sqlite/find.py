"""A `Match` as SQL: one small function a rule of PS3.4 C.2.2.2."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from appliance.dicom.attributes import ATTRIBUTES, BY_KEYWORD, Attribute, Level
from appliance.dicom.names import fold
from appliance.dicom.query import Condition, Kind, Match

_TABLE = {Level.STUDY: "study", Level.SERIES: "series", Level.INSTANCE: "instance"}
_ORDER = {Level.STUDY: 0, Level.SERIES: 1, Level.INSTANCE: 2}
_FROM = {
    Level.STUDY: "study",
    Level.SERIES: "series JOIN study ON study.id = series.study_ref",
    Level.INSTANCE: "instance JOIN series ON series.id = instance.series_ref JOIN study ON study.id = series.study_ref",
}
_SORT = {
    Level.STUDY: "study.last_received DESC, study.id DESC",
    Level.SERIES: "study.id DESC, cast(series.series_number AS INTEGER), series.id",
    Level.INSTANCE: "study.id DESC, cast(series.series_number AS INTEGER), series.id,"
    " cast(instance.instance_number AS INTEGER), instance.id",
}
_BELOW = {
    (Level.STUDY, Level.SERIES): "SELECT 1 FROM series WHERE series.study_ref = study.id AND ",
    (Level.STUDY, Level.INSTANCE): "SELECT 1 FROM instance JOIN series ON series.id = instance.series_ref"
    " WHERE series.study_ref = study.id AND ",
    (Level.SERIES, Level.INSTANCE): "SELECT 1 FROM instance WHERE instance.series_ref = series.id AND ",
}
_LISTS = frozenset(("ModalitiesInStudy", "SOPClassesInStudy"))
_TRIGRAM = 3
"""The shortest word that the full-text index can look up; shorter ones are looked for row by row."""

Sql = tuple[str, list[Any]]


def columns(level: Level) -> list[Attribute]:
    """The attributes that an answer of `level` carries: its own and those above."""
    return [a for a in ATTRIBUTES if _ORDER[a.level] <= _ORDER[level]]


def statement(match: Match, limit: int | None, offset: int) -> Sql:
    """The SELECT for `match`; -1 is SQLite's word for no limit."""
    conditions = [_condition(condition, match) for condition in match.conditions]
    conditions += [([f"{_name(BY_KEYWORD[key])} = ?"], [uid]) for key, uid in match.within.items()]
    clauses = [clause for parts, _ in conditions for clause in parts]
    values = [value for _, given in conditions for value in given]
    names = ", ".join(f"{_name(a)} AS {a.column}" for a in columns(match.level))
    extra = ", instance.transfer_syntax_uid" if match.level is Level.INSTANCE else ""
    where = " WHERE " + " AND ".join(clauses) if clauses else ""
    sql = f"SELECT {names}{extra} FROM {_FROM[match.level]}{where} ORDER BY {_SORT[match.level]} LIMIT ? OFFSET ?"
    return sql, [*values, -1 if limit is None else limit, offset]


def answer(level: Level, row: sqlite3.Row) -> dict[str, Any]:
    """A row by keyword, and `AvailableTransferSyntaxUID` at instance level."""
    found = {a.keyword: row[a.column] for a in columns(level)}
    if level is Level.INSTANCE:
        found["AvailableTransferSyntaxUID"] = row["transfer_syntax_uid"]
    return found


def words(wanted: Sequence[str]) -> Sql:
    """The WHERE of a search for folded words, each anywhere in the study's text."""
    long = [word for word in wanted if len(word) >= _TRIGRAM]
    short = [word for word in wanted if len(word) < _TRIGRAM]
    clauses, values = [], []
    if long:
        clauses.append("study_text MATCH ?")
        values.append(" AND ".join(_quoted(word) for word in long))
    for word in short:
        clauses.append("instr(text, ?) > 0")
        values.append(word)
    if not clauses:
        return "", []
    return f" WHERE id IN (SELECT rowid FROM study_text WHERE {' AND '.join(clauses)})", values


def folded_name(name: str) -> str:
    """A PN for matching: each component group folded, between equals signs."""
    groups = [fold(group) for group in name.split("=")]
    return f"={'='.join(groups)}=" if any(groups) else ""


def _quoted(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'


def _name(attribute: Attribute) -> str:
    return f"{_TABLE[attribute.level]}.{attribute.column}"


def _condition(condition: Condition, match: Match) -> tuple[list[str], list[Any]]:
    clause, values = _clause(condition, match.fuzzy)
    below = _BELOW.get((match.level, condition.attribute.level))
    return [f"EXISTS ({below}{clause})" if below else clause], values


def _clause(condition: Condition, fuzzy: bool) -> Sql:
    attribute, values = condition.attribute, condition.values
    if attribute.vr == "PN":
        return _person(attribute, values[0], fuzzy)
    if attribute.keyword in _LISTS:
        return _in_list(attribute, values)
    if condition.kind is Kind.RANGE:
        return _range(attribute, *values)
    if condition.kind is Kind.WILDCARD:
        return f"{_name(attribute)} GLOB ?", [_glob(values[0])]
    if attribute.vr in ("DA", "TM", "DT"):
        return _range(attribute, values[0], values[0])
    if attribute.vr in ("IS", "US"):
        return f"cast({_name(attribute)} AS INTEGER) = ?", [int(values[0])]
    return f"{_name(attribute)} IN ({', '.join('?' * len(values))})", list(values)


def _person(attribute: Attribute, value: str, fuzzy: bool) -> Sql:
    """Without case and diacritics, in any component group."""
    if attribute.keyword == "PatientName":
        name = "study.folded_name"
    else:
        name = f"('=' || fold({_name(attribute)}) || '=')"
    if fuzzy:
        parts = [f"{name} GLOB ?" for _ in fold(value).split()]
        return " AND ".join(parts) or "1", [f"*{_glob(word)}*" for word in fold(value).split()]
    groups = [fold(group) for group in value.split("=") if group.strip("^ ")]
    return " AND ".join(f"{name} GLOB ?" for _ in groups) or "1", [f"*={_glob(group)}=*" for group in groups]


def _in_list(attribute: Attribute, values: Sequence[str]) -> Sql:
    """Any of `values`, wildcards allowed, among the backslash-joined values of a row."""
    name = f"('\\' || {_name(attribute)} || '\\')"
    return (
        "(" + " OR ".join(f"{name} GLOB ?" for _ in values) + ")",
        [f"*\\{_glob(value)}\\*" for value in values],
    )


def _range(attribute: Attribute, low: str, high: str) -> Sql:
    """Open where empty. A bound of less precision covers all that it names: -09 goes to 09:59:59."""
    name = _name(attribute)
    clauses, values = [f"{name} <> ''"], []
    if low:
        clauses.append(f"{name} >= ?")
        values.append(low)
    if high:
        clauses.append(f"substr({name}, 1, {len(high)}) <= ?")
        values.append(high)
    return " AND ".join(clauses), values


def _glob(pattern: str) -> str:
    """DICOM's wildcards are GLOB's; its brackets must mean themselves."""
    return pattern.replace("[", "[[]")
