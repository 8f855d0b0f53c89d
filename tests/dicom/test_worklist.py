"""The table of the worklist, and answers made by it."""

from __future__ import annotations

from appliance.dicom.worklist import KEYS, STEPS, answer, tag_of, unsupported
from tests.support.items import ITEM, encoded


def test_the_required_matching_keys_are_those_of_the_standard() -> None:
    required = {key.path for key in KEYS if key.matching == "R"}
    step = (
        "ScheduledStationAETitle ScheduledProcedureStepStartDate ScheduledProcedureStepStartTime Modality"
        " ScheduledPerformingPhysicianName"
    )
    assert required == {(STEPS,), ("PatientName",), ("PatientID",), *((STEPS, keyword) for keyword in step.split())}


def test_every_row_has_a_type_and_stands_below_a_sequence_of_the_table() -> None:
    paths = {key.path for key in KEYS}
    assert len(paths) == len(KEYS)
    assert all(key.path[:-1] in paths for key in KEYS if len(key.path) > 1)
    assert {key.returned for key in KEYS} <= {"1", "1C", "2", "2C", "3"}


def test_what_is_asked_for_is_answered_and_nothing_else() -> None:
    keys = encoded(PatientID="", PatientSex="", ScheduledProcedureStepSequence={"Modality": "CT", "PreMedication": ""})
    step = {tag_of("Modality"): {"vr": "CS", "Value": ["CT"]}, tag_of("PreMedication"): {"vr": "LO"}}
    assert answer(keys, ITEM) == {
        tag_of("PatientID"): {"vr": "LO", "Value": ["4711"]},
        tag_of("PatientSex"): {"vr": "CS"},
        tag_of(STEPS): {"vr": "SQ", "Value": [step]},
    }


def test_a_sequence_that_is_asked_for_as_a_whole_is_answered_as_a_whole() -> None:
    for whole in ({"vr": "SQ"}, {"vr": "SQ", "Value": [{}]}):
        assert answer({tag_of(STEPS): whole}, ITEM) == {tag_of(STEPS): ITEM[tag_of(STEPS)]}


def test_what_the_table_does_not_have_is_left_out_and_told() -> None:
    keys = encoded(PatientID="", KVP="")
    assert unsupported(keys)
    assert list(answer(keys, ITEM)) == [tag_of("PatientID")]
    assert not unsupported(encoded(PatientID="", ScheduledProcedureStepSequence={"Modality": ""}))
    assert unsupported(encoded(ScheduledProcedureStepSequence={"KVP": ""}))
