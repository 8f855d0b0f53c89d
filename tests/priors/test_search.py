"""What staff look for becomes keys, and answers become studies."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.dicom.model import Study
from appliance.priors.search import RemoteStudy, Search, doubt, newest_first, of_patient, pattern, remote_study


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("doe", "doe*"),
        ("Doe, Jane", "Doe*Jane*"),
        ("doe jane", "doe*jane*"),
        ("Doe^Jane", "Doe^Jane*"),
        ("Doe^*", "Doe^*"),
        ("Müller", "M*ller*"),
        ("Ødegård Åse", "*deg*rd*se*"),
        ("山田", "山田*"),
        ("", ""),
    ],
)
def test_a_typed_name_becomes_a_key(typed: str, key: str) -> None:
    assert pattern(typed) == key


def test_only_what_was_asked_for_narrows() -> None:
    keys = Search(name="doe", dates="20200101-", modality="ct").keys()
    assert {key: value for key, value in keys.items() if value} == {
        "PatientName": "doe*",
        "StudyDate": "20200101-",
        "ModalitiesInStudy": "CT",
    }
    assert "NumberOfStudyRelatedInstances" in keys


@pytest.mark.parametrize("wrong", [Search(), Search(birth_date="1970"), Search(dates="last week"), Search(dates="-")])
def test_what_cannot_be_asked_is_named(wrong: Search) -> None:
    with pytest.raises(ValueError, match=r"YYYYMMDD|say what to look for"):
        wrong.keys()


def test_small_letters_are_tried_in_other_cases_too() -> None:
    assert [keys["PatientName"] for keys in Search(name="doe jane").ways()] == ["DOE*JANE*", "Doe*Jane*", "doe*jane*"]
    assert len(Search(name="Doe").ways()) == len(Search(patient_id="x").ways()) == 1


def test_a_peer_that_takes_a_key_for_any_is_seen_through() -> None:
    assert Search(name="müller").finds("Mueller^Anna=MÜLLER^Anna")
    assert not Search(name="müller").finds("Miller^Anna")
    assert Search(patient_id="4711").finds("anybody")


@pytest.fixture
def study() -> Study:
    texts = dict.fromkeys((name for name, kind in Study.__annotations__.items() if kind == "str"), "")
    counts = {"number_of_study_related_series": 1, "number_of_study_related_instances": 1, "size": 1}
    made = Study(**texts, **counts, modalities_in_study=(), sop_classes_in_study=())  # type: ignore[arg-type]
    return replace(made, patient_name="Doe^Jane", patient_id="1", patient_birth_date="19700102", patient_sex="F")


def test_a_patient_is_looked_for_by_id_and_by_name_and_birth(study: Study) -> None:
    assert of_patient(study) == [Search(patient_id="1"), Search(name="Doe^*", birth_date="19700102")]
    assert of_patient(replace(study, patient_id="", patient_birth_date="")) == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, ""),
        ({"PatientName": "DOE^JANE^M"}, ""),
        ({"PatientName": ""}, ""),
        ({"PatientBirthDate": "19700103"}, "born on another day"),
        ({"PatientName": "Roe^Richard"}, "another name"),
        ({"PatientSex": "M"}, "another sex"),
        ({"PatientID": "2"}, "another ID"),
    ],
)
def test_what_speaks_for_another_person_is_said(study: Study, changed: dict[str, str], expected: str) -> None:
    same = {"PatientName": "Doe^Jane", "PatientID": "1", "PatientBirthDate": "19700102", "PatientSex": "F"}
    assert doubt(study, remote_study(same | changed)) == expected


def test_studies_come_newest_first_and_once() -> None:
    def made(uid: str, day: str) -> RemoteStudy:
        return remote_study({"StudyInstanceUID": uid, "StudyDate": day})

    found = newest_first([made("1", "20200101"), made("2", "20210101"), made("1", "20200101"), made("", "20220101")])
    assert [study.study_instance_uid for study in found] == ["2", "1"]


def test_counts_that_are_none_are_none() -> None:
    assert remote_study({"NumberOfStudyRelatedInstances": "many"}).images == 0
    assert remote_study({"ModalitiesInStudy": "CT\\MR"}).modalities == ("CT", "MR")
