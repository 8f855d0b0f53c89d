"""What people say of an order, as DICOM has it."""

from __future__ import annotations

from datetime import datetime

import pytest

from appliance.dicom.uid import is_strict
from appliance.dicom.worklist import STEPS, tag_of
from appliance.worklist import item as items

_JANE = {"PatientName": "Doe^Jane", "PatientID": "4711", "Modality": "CT"}
_NOW = datetime(2026, 11, 21, 14, 32)  # noqa: DTZ001 - local, as all of DICOM's


def test_each_attribute_goes_to_its_place() -> None:
    item = items.made(_JANE | {"ScheduledStationAETitle": "CT1", "PatientWeight": "70.5", "PregnancyStatus": "4"})
    (step,) = item.pop(tag_of(STEPS))["Value"]
    assert step == {
        tag_of("Modality"): {"vr": "CS", "Value": ["CT"]},
        tag_of("ScheduledStationAETitle"): {"vr": "AE", "Value": ["CT1"]},
    }
    assert item[tag_of("PatientName")] == {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane"}]}
    assert item[tag_of("PatientWeight")] == {"vr": "DS", "Value": [70.5]}
    assert item[tag_of("PregnancyStatus")] == {"vr": "US", "Value": [4]}


@pytest.mark.parametrize(
    ("keyword", "written", "read"),
    [
        ("PatientName", "Müller, Jürgen", "Müller^Jürgen"),
        ("PatientName", "Yamada^Tarou=山田^太郎", "Yamada^Tarou=山田^太郎"),
        ("PatientBirthDate", "1970-1-31", "19700131"),
        ("ScheduledProcedureStepStartTime", "9:05", "0905"),
        ("Modality", " ct ", "CT"),
        ("PatientSex", "f", "F"),
        ("RequestedProcedurePriority", "stat", "STAT"),
    ],
)
def test_what_people_write_is_understood(keyword: str, written: str, read: str) -> None:
    assert items.value(items.made(_JANE | {keyword: written}), keyword) == read


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(ValueError, match="missing") as refused:
        items.made({"PatientBirthDate": "soon", "Shoesize": "43", "Modality": "a,b", "AccessionNumber": "1" * 17})
    for part in ("PatientName is missing", "PatientID is missing", "PatientBirthDate is a day", "Shoesize is no"):
        assert part in str(refused.value)
    assert "Modality is a code" in str(refused.value)
    assert "AccessionNumber: " in str(refused.value)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PatientID", "a\\b"),
        ("PatientID", "a\nb"),
        ("PatientName", "x" * 65),
        ("StudyInstanceUID", "1.2.x"),
        ("ScheduledStationAETitle", "A TITLE THAT IS TOO LONG"),
        ("ScheduledProcedureStepStartTime", "2500"),
        ("PatientBirthDate", "20261301"),
    ],
)
def test_what_no_value_can_be_is_refused_by_name(keyword: str, value: str) -> None:
    assert items.fault_of(keyword, value).startswith(keyword)


def test_what_an_order_must_have_is_made() -> None:
    item = items.completed(items.made(_JANE | {"RequestedProcedureDescription": "Head"}), 7, _NOW)
    found = items.columns(item)
    assert is_strict(found.pop("study_instance_uid"))
    assert {key: value for key, value in found.items() if value} == {
        "patient_name": "Doe^Jane",
        "patient_id": "4711",
        "modality": "CT",
        "accession_number": "A0000007",
        "requested_procedure_id": "P0000007",
        "scheduled_procedure_step_id": "S0000007",
        "start_date": "20261121",
        "start_time": "143200",
        "description": "Head",
    }
    assert items.value(item, "ScheduledProcedureStepDescription") == "Head"
    assert items.completed(item, 8, _NOW) == item


def test_an_empty_value_takes_away_what_was_said() -> None:
    item = items.with_values(items.made(_JANE | {"PatientSex": "F"}), {"PatientSex": "", "Modality": "MR"})
    assert items.value(item, "PatientSex") == ""
    assert items.value(item, "Modality") == "MR"
    assert items.value(item, "PatientID") == "4711"
