"""Studies, series and instances."""

from __future__ import annotations

import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlite_utils import Database

from appliance.dicom.attributes import Level, stored_at
from appliance.dicom.header import Header
from appliance.dicom.model import Instance, Series, Study
from appliance.dicom.names import fold
from appliance.dicom.query import Match
from appliance.storage.rows import Kept
from appliance.storage.sqlite import find

_STUDY = [a.column for a in stored_at(Level.STUDY)]
_SERIES = [a.column for a in stored_at(Level.SERIES)]
_INSTANCE = [a.column for a in stored_at(Level.INSTANCE)]
_STEPS = 1000
"""Of SQLite's machine between looks at the clock: well below a millisecond."""
_MANY = 500
"""Values in one IN list; SQLite's own limit is far above."""


def _keep_first(table: str, columns: Sequence[str]) -> str:
    """What is known stays, what was empty is filled: the first image of a study names it."""
    return ", ".join(f"{c} = CASE {table}.{c} WHEN '' THEN excluded.{c} ELSE {table}.{c} END" for c in columns)


def _marks(count: int) -> str:
    return ", ".join("?" * count)


_ADD_STUDY = f"""
INSERT INTO study ({", ".join(_STUDY)}, folded_name, first_received, last_received)
VALUES ({_marks(len(_STUDY) + 3)})
ON CONFLICT (study_instance_uid) DO UPDATE SET {_keep_first("study", [*_STUDY[1:], "folded_name"])},
  first_received = min(study.first_received, excluded.first_received),
  last_received = max(study.last_received, excluded.last_received)
RETURNING id"""

_ADD_SERIES = f"""
INSERT INTO series (study_ref, {", ".join(_SERIES)}) VALUES ({_marks(len(_SERIES) + 1)})
ON CONFLICT (study_ref, series_instance_uid) DO UPDATE SET {_keep_first("series", _SERIES[1:])}
RETURNING id"""

_PLACED = ("transfer_syntax_uid", "blob_key", "size", "digest", "source_ae", "via", "received")
_ADD_INSTANCE = f"""
INSERT INTO instance (series_ref, {", ".join(_INSTANCE)}, {", ".join(_PLACED)})
VALUES ({_marks(len(_INSTANCE) + len(_PLACED) + 1)})
RETURNING id"""

_RECOUNT = """
UPDATE study SET
  number_of_study_related_series = (SELECT count(*) FROM series WHERE study_ref = study.id),
  (number_of_study_related_instances, size) =
    (SELECT count(*), coalesce(sum(instance.size), 0) FROM instance JOIN series ON series.id = series_ref
     WHERE study_ref = study.id),
  modalities_in_study = coalesce((SELECT group_concat(modality, '\\') FROM
    (SELECT DISTINCT modality FROM series WHERE study_ref = study.id AND modality <> '' ORDER BY modality)), ''),
  sop_classes_in_study = coalesce((SELECT group_concat(sop_class_uid, '\\') FROM
    (SELECT DISTINCT sop_class_uid FROM instance JOIN series ON series.id = series_ref
     WHERE study_ref = study.id ORDER BY sop_class_uid)), '')
WHERE study_instance_uid = ?"""

_INSTANCE_ROWS = """
SELECT instance.*, series.series_instance_uid, study.study_instance_uid
FROM instance JOIN series ON series.id = series_ref JOIN study ON study.id = study_ref"""

_BY_NUMBER = " ORDER BY cast(series_number AS INTEGER), series.id, cast(instance_number AS INTEGER), instance.id"


class SqliteStudies:
    """`contract.Studies`."""

    def __init__(self, db: Database) -> None:
        self._conn = db.conn

    def add(self, header: Header, blob_key: str) -> None:
        """Enter an instance with its study and series; its SOP Instance UID must be new."""
        origin = header.origin
        study_ref = self._one(
            _ADD_STUDY,
            *(header.study[c] for c in _STUDY),
            find.folded_name(header.study["patient_name"]),
            origin.received,
            origin.received,
        )
        series_ref = self._one(_ADD_SERIES, study_ref, *(header.series[c] for c in _SERIES))
        placed = (header.transfer_syntax_uid, blob_key, header.size, bytes.fromhex(header.digest))
        came = (origin.source_ae, origin.via, origin.received)
        instance_id = self._one(_ADD_INSTANCE, series_ref, *(header.instance[c] for c in _INSTANCE), *placed, *came)
        self._conn.execute(
            "INSERT INTO metadata (instance_id, deflated) VALUES (?, ?)",
            (instance_id, zlib.compress(header.metadata, 1)),
        )

    def recount(self, study_instance_uids: Iterable[str]) -> None:
        """Bring counts, modalities, sizes and search text up to date with the instances."""
        for uid in study_instance_uids:
            self._conn.execute(
                "UPDATE series SET number_of_series_related_instances ="
                " (SELECT count(*) FROM instance WHERE series_ref = series.id)"
                " WHERE study_ref = (SELECT id FROM study WHERE study_instance_uid = ?)",
                (uid,),
            )
            self._conn.execute(_RECOUNT, (uid,))
            self._retext(uid)

    def _retext(self, uid: str) -> None:
        row = self._conn.execute("SELECT * FROM study WHERE study_instance_uid = ?", (uid,)).fetchone()
        text = find.text_of(row)
        known = self._conn.execute("SELECT text FROM study_text WHERE rowid = ?", (row["id"],)).fetchone()
        if known is None or known["text"] != text:
            self._conn.execute("DELETE FROM study_text WHERE rowid = ?", (row["id"],))
            self._conn.execute("INSERT INTO study_text (rowid, text) VALUES (?, ?)", (row["id"], text))

    def kept(self, sop_instance_uids: Sequence[str]) -> dict[str, Kept]:
        """Of each of these instances that is known: what its bytes are, and where."""
        select = "SELECT sop_instance_uid, digest, blob_key, size FROM instance WHERE sop_instance_uid"
        rows = self._in(select, sop_instance_uids)
        return {row["sop_instance_uid"]: Kept(row["digest"].hex(), row["blob_key"], row["size"]) for row in rows}

    def move(self, header: Header, blob_key: str) -> None:
        """The same data set is now in another file: its place, size and origin."""
        origin = header.origin
        self._conn.execute(
            "UPDATE instance SET blob_key = ?, size = ?, source_ae = ?, via = ?, received = ?"
            " WHERE sop_instance_uid = ?",
            (blob_key, header.size, origin.source_ae, origin.via, origin.received, header.uids[2]),
        )

    def study(self, study_instance_uid: str) -> Study | None:
        """One study, or None."""
        found = self.studies([study_instance_uid])
        return found[0] if found else None

    def studies(self, study_instance_uids: Sequence[str]) -> list[Study]:
        """Those of these studies that are known, newest arrival first."""
        rows = self._in("SELECT * FROM study WHERE study_instance_uid", study_instance_uids)
        return sorted(map(_study, rows), key=lambda study: study.last_received, reverse=True)

    def search(self, text: str, limit: int, offset: int = 0) -> list[Study]:
        """Studies in whose text every word of `text` occurs, newest arrival first."""
        wanted = fold(text).split()
        where, values = find.words(wanted, find.few_with(self._conn, wanted))
        rows = self._conn.execute(
            f"SELECT * FROM study{where} ORDER BY last_received DESC, id DESC LIMIT ? OFFSET ?",
            (*values, limit, offset),
        )
        return [_study(row) for row in rows]

    def series(self, study_instance_uid: str) -> list[Series]:
        """The series of a study by series number."""
        rows = self._conn.execute(
            "SELECT series.*, study_instance_uid FROM series JOIN study ON study.id = study_ref"
            " WHERE study_instance_uid = ? ORDER BY cast(series_number AS INTEGER), series.id",
            (study_instance_uid,),
        )
        return [_row(Series, row) for row in rows]

    def instances(self, study_instance_uid: str, series_instance_uid: str = "") -> list[Instance]:
        """The instances of a study, or of one of its series, by series and instance number."""
        where, values = _within(study_instance_uid, series_instance_uid, "")
        return [_instance(row) for row in self._conn.execute(_INSTANCE_ROWS + where + _BY_NUMBER, values)]

    def instance(self, study_instance_uid: str, sop_instance_uid: str) -> Instance | None:
        """One instance, only if it is of this study."""
        where, values = _within(study_instance_uid, "", sop_instance_uid)
        row = self._conn.execute(_INSTANCE_ROWS + where, values).fetchone()
        return _instance(row) if row else None

    def find(self, match: Match, limit: int | None = None, offset: int = 0) -> Iterator[dict[str, Any]]:
        """Rows of `match.level` with the columns of that level and those above, by keyword."""
        few = find.few_with(self._conn, find.texts(match))
        sql, values = find.statement(match, limit, offset, few)
        for row in self._conn.execute(sql, values):
            yield find.answer(match.level, row)

    def matching(self, match: Match, seconds: float) -> int | None:
        """How many rows match; None when counting them takes longer than `seconds`."""
        sql, values = find.count(match, find.few_with(self._conn, find.texts(match)))
        deadline = time.monotonic() + seconds
        self._conn.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
        try:
            counted: int = self._conn.execute(sql, values).fetchone()[0]
            return counted
        except sqlite3.OperationalError:
            if time.monotonic() <= deadline:
                raise
            return None
        finally:
            self._conn.set_progress_handler(None, 0)

    def metadata(
        self, study_instance_uid: str, series_instance_uid: str = "", sop_instance_uid: str = ""
    ) -> Iterator[bytes]:
        """The DICOM JSON of each instance, by series and instance number."""
        where, values = _within(study_instance_uid, series_instance_uid, sop_instance_uid)
        rows = self._conn.execute(
            "SELECT deflated FROM instance JOIN series ON series.id = series_ref JOIN study ON study.id = study_ref"
            " JOIN metadata ON metadata.instance_id = instance.id" + where + _BY_NUMBER,
            values,
        )
        for row in rows:
            yield zlib.decompress(row["deflated"])

    def metadata_of(self, sop_instance_uids: Sequence[str]) -> list[bytes]:
        """The DICOM JSON of each of these instances that is known, in their order."""
        rows = self._in(
            "SELECT sop_instance_uid, deflated FROM instance JOIN metadata ON metadata.instance_id = instance.id"
            " WHERE sop_instance_uid",
            sop_instance_uids,
        )
        found = {row["sop_instance_uid"]: row["deflated"] for row in rows}
        return [zlib.decompress(found[uid]) for uid in sop_instance_uids if uid in found]

    def remove_study(self, study_instance_uid: str) -> list[str]:
        """Forget a study with all its rows; gives the blob keys of its instances."""
        keys = [instance.blob_key for instance in self.instances(study_instance_uid)]
        study = self._conn.execute("SELECT id FROM study WHERE study_instance_uid = ?", (study_instance_uid,))
        for (study_ref,) in study.fetchall():
            of_study = "IN (SELECT id FROM series WHERE study_ref = ?)"
            for statement in (
                f"DELETE FROM metadata WHERE instance_id IN (SELECT id FROM instance WHERE series_ref {of_study})",
                f"DELETE FROM instance WHERE series_ref {of_study}",
                "DELETE FROM series WHERE study_ref = ?",
                "DELETE FROM study_text WHERE rowid = ?",
                "DELETE FROM study WHERE id = ?",
            ):
                self._conn.execute(statement, (study_ref,))
        return keys

    def study_uids(self) -> Iterator[str]:
        """The UID of every study."""
        for row in self._conn.execute("SELECT study_instance_uid FROM study"):
            yield row["study_instance_uid"]

    def count(self) -> tuple[int, int]:
        """How many studies and instances there are."""
        studies, instances = self._conn.execute(
            "SELECT count(*), coalesce(sum(number_of_study_related_instances), 0) FROM study"
        ).fetchone()
        return studies, instances

    def _one(self, sql: str, *values: Any) -> int:
        # fetchall, not fetchone: a RETURNING statement is finished only when all rows are read.
        identity: int = self._conn.execute(sql, values).fetchall()[0][0]
        return identity

    def _in(self, select: str, values: Sequence[str]) -> list[sqlite3.Row]:
        rows: list[sqlite3.Row] = []
        for start in range(0, len(values), _MANY):
            part = values[start : start + _MANY]
            rows.extend(self._conn.execute(f"{select} IN ({_marks(len(part))})", tuple(part)))
        return rows


def _within(study: str, series: str, instance: str) -> tuple[str, list[str]]:
    named = {
        "study.study_instance_uid": study,
        "series.series_instance_uid": series,
        "instance.sop_instance_uid": instance,
    }
    given = {column: uid for column, uid in named.items() if uid or column == "study.study_instance_uid"}
    return " WHERE " + " AND ".join(f"{column} = ?" for column in given), list(given.values())


def _row(kind: type[Series], row: sqlite3.Row) -> Series:
    return kind(**{key: row[key] for key in kind.__dataclass_fields__})


def _study(row: sqlite3.Row) -> Study:
    values = {key: row[key] for key in Study.__dataclass_fields__}
    for several in ("modalities_in_study", "sop_classes_in_study"):
        values[several] = tuple(filter(None, values[several].split("\\")))
    return Study(**values)


def _instance(row: sqlite3.Row) -> Instance:
    values = {key: row[key] for key in Instance.__dataclass_fields__}
    return Instance(**values | {"digest": row["digest"].hex()})
