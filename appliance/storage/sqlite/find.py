"""A `Match` as SQL.

How 100,000 studies are answered in milliseconds: what must occur in an answer is looked up in the full-text
index first. When that, or an exact key, leaves few studies, only those are looked at; else the newest are
walked past one by one until there are enough answers, in an index that holds what is asked for most.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from appliance.dicom.attributes import ATTRIBUTES, BY_KEYWORD, Level
from appliance.dicom.query import Condition, Kind, Match
from appliance.storage.sqlite import fulltext
from appliance.storage.sqlite.keys import Sql, clauses, column

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


def candidates(connection: sqlite3.Connection, match: Match) -> list[int] | None:
    """The only studies that can hold answers to `match`, where the full text says so better than an index."""
    return None if _names_few(match) else fulltext.few_with(connection, fulltext.texts(match))


def statement(match: Match, limit: int | None, offset: int, few: Sequence[int] | None = None) -> Sql:
    """The SELECT for `match`; `few` are the only studies that can hold answers, if that is known."""
    names = ", ".join(f"{column(BY_KEYWORD[key])} AS {name}" for key, name in _COLUMNS[match.level].items())
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


def rows(match: Match, few: Sequence[int] | None) -> Sql:
    """FROM and WHERE."""
    given = [(f"{column(BY_KEYWORD[key])} = ?", [uid]) for key, uid in match.within.items()]
    if few is not None:
        given.append(fulltext.among(few))
    here = [c for c in match.conditions if _ORDER[c.attribute.level] <= _ORDER[match.level]]
    given += clauses(here, match)
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
    parts = clauses(conditions, match)
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
