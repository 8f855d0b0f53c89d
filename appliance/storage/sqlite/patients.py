"""Patients, who have no table of their own: the studies of one, taken together (Patient Root, PS3.4 C.6.1)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

from appliance.dicom.query import Match
from appliance.storage.sqlite import find

_SHOWN = {
    "PatientName": "patient_name",
    "PatientID": "patient_id",
    "IssuerOfPatientID": "issuer_of_patient_id",
    "PatientBirthDate": "patient_birth_date",
    "PatientSex": "patient_sex",
}
_SAME = "patient_id, issuer_of_patient_id, CASE patient_id WHEN '' THEN patient_name || '=' || patient_birth_date END"
"""Without an ID, the name and the day of birth must do."""
_COUNTS = ("NumberOfPatientRelatedStudies", "NumberOfPatientRelatedSeries", "NumberOfPatientRelatedInstances")


def patients(connection: sqlite3.Connection, match: Match) -> Iterator[dict[str, Any]]:
    """Each patient of whom a study matches, as the newest of these names them, with counts of all studies."""
    rows, values = find.rows(match, find.candidates(connection, match))
    columns = ", ".join(f"study.{column}" for column in _SHOWN.values())
    # Of the columns beside max(), SQLite gives those of the row that has it.
    sql = f"SELECT {columns}, max(study.id) AS newest {rows} GROUP BY {_SAME} ORDER BY newest DESC"
    for row in connection.execute(sql, values):
        patient = dict(zip(_SHOWN, row, strict=False))
        yield patient | of_patient(connection, patient)


def of_patient(connection: sqlite3.Connection, patient: Mapping[str, Any]) -> dict[str, int]:
    """How many studies, series and instances there are of a patient, by keyword."""
    same = ["PatientID", "IssuerOfPatientID"]
    if not patient["PatientID"]:
        same += ["PatientName", "PatientBirthDate"]
    where = " AND ".join(f"{_SHOWN[keyword]} = ?" for keyword in same)
    row = connection.execute(
        "SELECT count(*), coalesce(sum(number_of_study_related_series), 0),"
        f" coalesce(sum(number_of_study_related_instances), 0) FROM study WHERE {where}",
        [patient[keyword] for keyword in same],
    ).fetchone()
    return dict(zip(_COUNTS, row, strict=True))
