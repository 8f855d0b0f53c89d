"""Studies, series and instances."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlite_utils import Database

from appliance.dicom.header import Header
from appliance.dicom.model import Instance, Series, Study
from appliance.dicom.names import fold
from appliance.dicom.query import Match
from appliance.storage.rows import Arrived, Kept, Stored
from appliance.storage.sqlite import find, fulltext, patients
from appliance.storage.sqlite.arrivals import enter
from appliance.storage.sqlite.packed import unpacked

_STEPS = 1000
"""Of SQLite's machine between looks at the clock: well below a millisecond."""
_MANY = 500
"""Values in one IN list; SQLite's own limit is far above."""


def _marks(count: int) -> str:
    return ", ".join("?" * count)


_ELSEWHERE = {
    "series_instance_uid": "series.series_instance_uid",
    "study_instance_uid": "study.study_instance_uid",
    "digest": "lower(hex(instance.digest))",
}
# By place, not by name: a study of thousands is made of rows in milliseconds.
_INSTANCE_ROWS = f"""
SELECT {", ".join(_ELSEWHERE.get(key, f"instance.{key}") for key in Instance.__dataclass_fields__)}
FROM instance JOIN series ON series.id = series_ref JOIN study ON study.id = study_ref"""
_ARRIVED = """
SELECT sop_instance_uid, instance.received
FROM instance JOIN series ON series.id = series_ref JOIN study ON study.id = study_ref"""
_STORED = """
SELECT sop_instance_uid, series_instance_uid, transfer_syntax_uid, blob_key, instance.size, instance.received
FROM instance JOIN series ON series.id = series_ref JOIN study ON study.id = study_ref"""

_BY_NUMBER = " ORDER BY cast(series_number AS INTEGER), series.id, cast(instance_number AS INTEGER), instance.id"


class SqliteStudies:
    """`contract.Studies`."""

    def __init__(self, db: Database) -> None:
        self._conn = db.conn

    def add(self, arrivals: Iterable[tuple[Header, str]]) -> None:
        """Enter instances with their studies and series, whose counts follow; every SOP Instance UID must be new."""
        enter(self._conn, arrivals)

    def kept(self, sop_instance_uids: Sequence[str]) -> dict[str, Kept]:
        """Of each of these instances that is known: what its bytes are, and where."""
        select = "SELECT sop_instance_uid, digest, blob_key, size FROM instance WHERE sop_instance_uid"
        rows = self._in(select, sop_instance_uids)
        return {row["sop_instance_uid"]: Kept(row["digest"].hex(), row["blob_key"], row["size"]) for row in rows}

    def move(self, header: Header, blob_key: str) -> None:
        """The same data set is now in another file: its place, size, digest and origin."""
        origin = header.origin
        self._conn.execute(
            "UPDATE study SET size = size + ? - (SELECT size FROM instance WHERE sop_instance_uid = ?)"
            " WHERE study_instance_uid = ?",
            (header.size, header.uids[2], header.uids[0]),
        )
        self._conn.execute(
            "UPDATE instance SET blob_key = ?, size = ?, digest = ?, source_ae = ?, via = ?, received = ?"
            " WHERE sop_instance_uid = ?",
            (
                *(blob_key, header.size, bytes.fromhex(header.digest)),
                *(origin.source_ae, origin.via, origin.received, header.uids[2]),
            ),
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
        where, values = fulltext.words(wanted, fulltext.few_with(self._conn, wanted))
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

    def arrived(
        self, study_instance_uid: str, series_instance_uid: str = "", sop_instance_uid: str = ""
    ) -> list[Arrived]:
        """The instances of a study, of a series or one, by series and instance number: only which and when."""
        where, values = _within(study_instance_uid, series_instance_uid, sop_instance_uid)
        return [Arrived(*row) for row in self._conn.execute(_ARRIVED + where + _BY_NUMBER, values)]

    def stored(
        self, study_instance_uid: str, series_instance_uid: str = "", sop_instance_uid: str = ""
    ) -> list[Stored]:
        """The instances of a study, of a series or one, by series and instance number: only their files."""
        where, values = _within(study_instance_uid, series_instance_uid, sop_instance_uid)
        return [Stored(*row) for row in self._conn.execute(_STORED + where + _BY_NUMBER, values)]

    def find(self, match: Match, limit: int | None = None, offset: int = 0) -> Iterator[dict[str, Any]]:
        """Rows of `match.level` with the columns of that level and those above, by keyword."""
        few = find.candidates(self._conn, match)
        sql, values = find.statement(match, limit, offset, few)
        for row in self._conn.execute(sql, values):
            yield find.answer(match.level, row)

    def patients(self, match: Match) -> Iterator[dict[str, Any]]:
        """Each patient of whom a study matches, with counts of all studies, newest first."""
        return patients.patients(self._conn, match)

    def of_patient(self, patient: Mapping[str, Any]) -> dict[str, int]:
        """How many studies, series and instances there are of a patient."""
        return patients.of_patient(self._conn, patient)

    def matching(self, match: Match, seconds: float) -> int | None:
        """How many rows match; None when counting them takes longer than `seconds`."""
        sql, values = find.count(match, find.candidates(self._conn, match))
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
            "SELECT primer, deflated FROM instance JOIN series ON series.id = series_ref"
            " JOIN study ON study.id = study_ref JOIN metadata ON instance_id = instance.id" + where + _BY_NUMBER,
            values,
        )
        yield from unpacked(self._conn, rows)

    def example(self, study_instance_uid: str, series_instance_uid: str = "") -> bytes | None:
        """The DICOM JSON of some instance of a study or of one of its series."""
        where, values = _within(study_instance_uid, series_instance_uid, "")
        rows = self._conn.execute(
            "SELECT primer, deflated FROM instance JOIN series ON series.id = series_ref"
            " JOIN study ON study.id = study_ref JOIN metadata ON instance_id = instance.id" + where + " LIMIT 1",
            values,
        )
        return next(unpacked(self._conn, rows), None)

    def metadata_of(self, sop_instance_uids: Sequence[str]) -> list[bytes]:
        """The DICOM JSON of each of these instances that is known, in their order."""
        rows = self._in(
            "SELECT sop_instance_uid, primer, deflated FROM instance"
            " JOIN metadata ON metadata.instance_id = instance.id WHERE sop_instance_uid",
            sop_instance_uids,
        )
        found = {row["sop_instance_uid"]: row for row in rows}
        return list(unpacked(self._conn, (found[uid] for uid in sop_instance_uids if uid in found)))

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
    return Instance(*row)
