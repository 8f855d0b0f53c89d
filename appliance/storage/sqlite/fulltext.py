"""The full text of studies: what is known from it, before rows are read, of where answers can be."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from appliance.dicom.names import fold
from appliance.dicom.query import Condition, Kind, Match
from appliance.storage.sqlite import names
from appliance.storage.sqlite.keys import ACROSS, IN, Sql, listed

_NAMES = ("patient_name", "referring_physician_name")
_TEXTS = (
    "patient_id",
    "accession_number",
    "study_description",
    "study_date",
    "patient_birth_date",
    "modalities_in_study",
)
_TRIGRAM = 3
"""The shortest text that the full-text index can look up."""
_LOOKED_UP = 12
"""Trigrams a query; more would hardly leave fewer studies."""
_FEW = 1000
"""Studies that are cheaper to look at one by one than to walk past."""


def text_of(study: Mapping[str, Any]) -> str:
    """What the full-text index holds of a study: its names with their marks, the rest folded."""
    return " ".join((*(names.folded_name(study[c]) for c in _NAMES), fold(" ".join(study[c] for c in _TEXTS))))


def texts(match: Match) -> list[str]:
    """What must occur in the full text of every study that answers `match`."""
    return [text for condition in match.conditions for text in _texts(condition, match.fuzzy)]


def _texts(condition: Condition, fuzzy: bool) -> list[str]:
    """The parts of a key without its wildcards; of a name also where it begins and ends."""
    if condition.kind not in (Kind.SINGLE, Kind.WILDCARD) or len(condition.values) != 1:
        return []
    value, column = condition.values[0], condition.attribute.column
    if column in _NAMES:
        patterns = [pattern if fuzzy else f"={pattern}=" for pattern in names.patterns(value, fuzzy)]
        parts = [part for pattern in patterns for part in ACROSS.split(pattern)]
    else:
        known = column in _TEXTS and not condition.attribute.multiple
        parts = [part.strip() for part in ACROSS.split(fold(value))] if known else []
    return [part for part in parts if len(part) >= _TRIGRAM]


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


def among(few: Sequence[int]) -> Sql:
    """That a study is one of these."""
    return f"study.id IN {IN}", [listed(few)]


def words(wanted: Sequence[str], few: Sequence[int] | None) -> Sql:
    """The WHERE of a search for folded words, each anywhere in the study's text."""
    clauses = ["EXISTS (SELECT 1 FROM study_text WHERE rowid = study.id AND instr(text, ?) > 0)" for _ in wanted]
    values: list[Any] = list(wanted)
    if few is not None:
        clause, bound = among(few)
        clauses, values = [clause, *clauses], [*bound, *values]
    return (" WHERE " + " AND ".join(clauses) if clauses else ""), values
