"""Patients, taken together from their studies, for every backend."""

from __future__ import annotations

from appliance.dicom.attributes import Level
from appliance.dicom.query import Match, condition
from appliance.storage.contract import Storage
from tests.storage.test_find import enter, header

JANE = {"PatientName": "Doe^Jane", "PatientID": "1", "PatientBirthDate": "19700102", "PatientSex": "F"}
COUNTS = ("NumberOfPatientRelatedStudies", "NumberOfPatientRelatedSeries", "NumberOfPatientRelatedInstances")


def patients(storage: Storage, **keys: str) -> list[tuple[str, str, tuple[int, ...]]]:
    """Name, ID and counts of whom `keys` find."""
    found = storage.studies.patients(
        Match(Level.STUDY, tuple(filter(None, (condition(key, value) for key, value in keys.items()))))
    )
    return [(row["PatientName"], row["PatientID"], tuple(row[key] for key in COUNTS)) for row in found]


def test_a_patient_is_one_whatever_the_number_of_studies(storage: Storage) -> None:
    enter(storage, header("1", "1", "1", JANE), header("1", "1", "2", JANE), header("1", "2", "1", JANE))
    enter(storage, header("2", "1", "1", JANE | {"PatientName": "Doe^Jane^M", "StudyDate": "20240102"}))
    enter(storage, header("3", "1", "1", {"PatientName": "Roe", "PatientID": "2"}))
    assert patients(storage) == [("Roe", "2", (1, 1, 1)), ("Doe^Jane^M", "1", (2, 3, 4))]
    # All studies count, not only those by which the patient was found.
    assert patients(storage, PatientName="doe^jane") == [("Doe^Jane", "1", (2, 3, 4))]
    assert patients(storage, StudyDate="20240102") == [("Doe^Jane^M", "1", (2, 3, 4))]


def test_the_same_number_of_another_issuer_is_another_patient(storage: Storage) -> None:
    enter(storage, header("1", "1", "1", JANE), header("2", "1", "1", JANE | {"IssuerOfPatientID": "ELSEWHERE"}))
    assert [counts for _, _, counts in patients(storage)] == [(1, 1, 1), (1, 1, 1)]


def test_without_a_number_name_and_birth_tell_patients_apart(storage: Storage) -> None:
    nameless = JANE | {"PatientID": ""}
    enter(storage, header("1", "1", "1", nameless), header("2", "1", "1", nameless))
    enter(storage, header("3", "1", "1", nameless | {"PatientBirthDate": "19800101"}))
    assert [counts for _, _, counts in patients(storage)] == [(1, 1, 1), (2, 2, 2)]
