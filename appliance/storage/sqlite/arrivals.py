"""Instances into the index, a batch at a time: each study and series is touched once, however many images came.

Counts, sizes and modalities are carried on, never counted anew: a study may have 10,000 images.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from appliance.dicom.attributes import Level, stored_at
from appliance.dicom.header import Header
from appliance.storage.sqlite import fulltext, names
from appliance.storage.sqlite.packed import Packer, primer_of

Arrival = tuple[Header, str]
"""An instance and its key in the archive."""

_STUDY = [a.column for a in stored_at(Level.STUDY)]
_SERIES = [a.column for a in stored_at(Level.SERIES)]
_INSTANCE = [a.column for a in stored_at(Level.INSTANCE)]
_PLACED = ("transfer_syntax_uid", "blob_key", "size", "digest", "source_ae", "via", "received")
_of_study: Callable[[Mapping[str, str]], tuple[str, ...]] = itemgetter(*_STUDY)
_of_series: Callable[[Mapping[str, str]], tuple[str, ...]] = itemgetter(*_SERIES)
_of_instance: Callable[[Mapping[str, str]], tuple[str, ...]] = itemgetter(*_INSTANCE)


def _keep_first(table: str, columns: Sequence[str]) -> str:
    """What is known stays, what was empty is filled: the first image of a study names it."""
    return ", ".join(f"{c} = CASE {table}.{c} WHEN '' THEN excluded.{c} ELSE {table}.{c} END" for c in columns)


def _marks(count: int) -> str:
    return ", ".join("?" * count)


_ADD_STUDY = f"""
INSERT INTO study ({", ".join(_STUDY)}, folded_name, first_received, last_received)
VALUES ({_marks(len(_STUDY) + 3)})
ON CONFLICT (study_instance_uid) DO UPDATE SET {_keep_first("study", _STUDY[1:])},
  folded_name = CASE study.patient_name WHEN '' THEN excluded.folded_name ELSE study.folded_name END,
  first_received = min(study.first_received, excluded.first_received),
  last_received = max(study.last_received, excluded.last_received)
RETURNING id, modalities_in_study, sop_classes_in_study"""

_COUNT_STUDY = """
UPDATE study SET modalities_in_study = ?, sop_classes_in_study = ?,
  number_of_study_related_series = number_of_study_related_series + ?,
  number_of_study_related_instances = number_of_study_related_instances + ?,
  size = size + ?
WHERE id = ? RETURNING *"""

_ADD_SERIES = f"""
INSERT INTO series (study_ref, {", ".join(_SERIES)}, number_of_series_related_instances)
VALUES ({_marks(len(_SERIES) + 2)})
ON CONFLICT (study_ref, series_instance_uid) DO UPDATE SET {_keep_first("series", _SERIES[1:])},
  number_of_series_related_instances =
    series.number_of_series_related_instances + excluded.number_of_series_related_instances
RETURNING id, modality, number_of_series_related_instances"""

_ADD_INSTANCE = f"""
INSERT INTO instance (id, series_ref, {", ".join(_INSTANCE)}, {", ".join(_PLACED)})
VALUES ({_marks(len(_INSTANCE) + len(_PLACED) + 2)})"""


@dataclass
class _Rows:
    """Of the two tables that have a row an instance."""

    next_id: int
    instances: list[tuple[Any, ...]] = field(default_factory=list)
    metadata: list[tuple[int, int | None, bytes]] = field(default_factory=list)


def enter(connection: sqlite3.Connection, arrivals: Iterable[Arrival]) -> None:
    """Enter instances that are new, with their studies and series, in the running transaction."""
    rows = _Rows(_one(connection, "SELECT coalesce(max(id), 0) + 1 FROM instance")[0])
    for of_study in _grouped(arrivals, 0).values():
        _enter_study(connection, of_study, rows)
    connection.executemany(_ADD_INSTANCE, rows.instances)
    connection.executemany("INSERT INTO metadata (instance_id, primer, deflated) VALUES (?, ?, ?)", rows.metadata)


def _enter_study(connection: sqlite3.Connection, arrivals: list[Arrival], rows: _Rows) -> None:
    study = _first_known(header.study for header, _ in arrivals)
    received = [header.origin.received for header, _ in arrivals]
    folded = names.folded_name(study["patient_name"])
    ref, *known = _one(connection, _ADD_STUDY, *_of_study(study), folded, min(received), max(received))
    modalities, classes = (set(filter(None, text.split("\\"))) for text in known)
    new_series = 0
    for of_series in _grouped(arrivals, 1).values():
        modality, is_new = _enter_series(connection, ref, of_series, rows)
        modalities |= {modality} - {""}
        new_series += is_new
    classes |= {header.instance["sop_class_uid"] for header, _ in arrivals}
    size = sum(header.size for header, _ in arrivals)
    told = ("\\".join(sorted(modalities)), "\\".join(sorted(classes)))
    _retext(connection, _one(connection, _COUNT_STUDY, *told, new_series, len(arrivals), size, ref))


def _enter_series(
    connection: sqlite3.Connection, study_ref: int, arrivals: list[Arrival], rows: _Rows
) -> tuple[str, bool]:
    """The series' modality, and whether it is new."""
    series = _first_known(header.series for header, _ in arrivals)
    ref, modality, count = _one(connection, _ADD_SERIES, study_ref, *_of_series(series), len(arrivals))
    is_new = count == len(arrivals)
    primer = None if is_new else primer_of(connection, ref)
    packer = Packer(primer[1] if primer else b"")
    for header, blob_key in arrivals:
        origin = header.origin
        number, rows.next_id = rows.next_id, rows.next_id + 1
        placed = (header.transfer_syntax_uid, blob_key, header.size, bytes.fromhex(header.digest))
        came = (origin.source_ae, origin.via, origin.received)
        rows.instances.append((number, ref, *_of_instance(header.instance), *placed, *came))
        rows.metadata.append((number, primer[0] if primer else None, packer.pack(header.metadata)))
        if primer is None:
            primer = (number, header.metadata)
            packer = Packer(header.metadata)
    return modality, is_new


def _grouped(arrivals: Iterable[Arrival], level: int) -> dict[str, list[Arrival]]:
    """By study (0) or series (1) UID, in the order of their first."""
    groups: dict[str, list[Arrival]] = {}
    for arrival in arrivals:
        groups.setdefault(arrival[0].uids[level], []).append(arrival)
    return groups


def _first_known(found: Iterable[dict[str, str]]) -> dict[str, str]:
    """Of each column the first value that isn't empty: as if they were entered one by one."""
    known: dict[str, str] = {}
    last: dict[str, str] | None = None
    for each in found:
        if each != last:  # hardly ever within a series
            known = each | {column: text for column, text in known.items() if text}
            last = each
    return known


def _retext(connection: sqlite3.Connection, study: Any) -> None:
    """Bring the full-text index up to date with a study's row."""
    text = fulltext.text_of(study)
    known = connection.execute("SELECT text FROM study_text WHERE rowid = ?", (study["id"],)).fetchone()
    if known is None or known["text"] != text:
        connection.execute("DELETE FROM study_text WHERE rowid = ?", (study["id"],))
        connection.execute("INSERT INTO study_text (rowid, text) VALUES (?, ?)", (study["id"], text))


def _one(connection: sqlite3.Connection, sql: str, *values: Any) -> Any:
    # fetchall, not fetchone: a RETURNING statement is finished only when all rows are read.
    return connection.execute(sql, values).fetchall()[0]
