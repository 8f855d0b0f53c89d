"""Matching without an index, rule by rule of PS3.4 C.2.2.2."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.dicom.matching import Manner, answer, is_like, matcher
from tests.support.items import ITEM, encoded


@pytest.mark.parametrize(
    ("said", "matches"),
    [
        ({}, True),
        ({"PatientName": ""}, True),
        ({"PatientName": "*"}, True),
        ({"PatientName": "MULLER^JURGEN"}, True),
        ({"PatientName": "müller"}, False),
        ({"PatientName": "mul*"}, True),
        ({"PatientName": "m?ller^*"}, True),
        ({"PatientName": "山田*"}, True),
        ({"PatientName": "Müller^Jürgen=山田^太郎"}, True),
        ({"PatientName": "Müller^Jürgen=山本*"}, False),
        ({"PatientID": "4711"}, True),
        ({"PatientID": "471"}, False),
        ({"PatientID": "47*"}, True),
        ({"PatientID": "4?1?"}, True),
        ({"AccessionNumber": "A[1]"}, True),
        ({"AccessionNumber": "a[1]"}, False),
        ({"AccessionNumber": "*[1]"}, True),
        ({"PatientWeight": "70.5"}, True),
        ({"PatientWeight": "71"}, False),
        ({"StudyInstanceUID": "1.2.3"}, True),
        ({"StudyInstanceUID": ["1.9", "1.2.3"]}, True),
        ({"StudyInstanceUID": "1.2.34"}, False),
        ({"StudyDate": "20261121"}, True),
        ({"StudyDate": "20261101-20261130"}, True),
        ({"StudyDate": "20261122-"}, False),
        ({"StudyDate": "-20261120"}, False),
        ({"StudyTime": "14"}, True),
        ({"StudyTime": "1430-1431"}, True),
        ({"StudyTime": "-1429"}, False),
        ({"StudyDescription": "Head"}, False),
        ({"StudyDescription": "*"}, True),
        ({"PatientComments": "Head"}, False),
    ],
    ids=str,
)
def test_each_kind_of_key(said: dict[str, Any], matches: bool) -> None:
    assert matcher(encoded(**said))(ITEM) is matches


@pytest.mark.parametrize(
    ("step", "matches"),
    [
        ({"Modality": "CT"}, True),
        ({"Modality": "MR"}, False),
        ({"Modality": ""}, True),
        ({"Modality": "CT", "ScheduledProcedureStepStartDate": "20261122"}, False),
        ({"ScheduledProtocolCodeSequence": {"CodeValue": "C1"}}, True),
        ({"ScheduledProtocolCodeSequence": {"CodeValue": "C2"}}, False),
        ({"ScheduledProtocolCodeSequence": {"CodeValue": "C1", "CodingSchemeDesignator": "DCM"}}, False),
    ],
    ids=str,
)
def test_an_item_of_a_sequence_meets_all_keys_or_does_not_match(step: dict[str, Any], matches: bool) -> None:
    assert matcher(encoded(ScheduledProcedureStepSequence=step))(ITEM) is matches


def test_any_item_of_a_sequence_will_do_but_one_must_meet_all_keys() -> None:
    item = encoded(ScheduledProcedureStepSequence={})
    steps = [encoded(Modality="CT", ScheduledProcedureStepID="1"), encoded(Modality="MR", ScheduledProcedureStepID="2")]
    item["00400100"]["Value"] = steps

    def matches(**step: str) -> bool:
        return matcher(encoded(ScheduledProcedureStepSequence=step))(item)

    assert matches(Modality="MR")
    assert matches(Modality="MR", ScheduledProcedureStepID="2")
    assert not matches(Modality="MR", ScheduledProcedureStepID="1")


@pytest.mark.parametrize(
    ("days", "hours", "matches"),
    [
        ("20261121-20261123", "1000-1800", True),
        ("20261120-20261122", "1500-0900", True),
        ("20261121-20261123", "1500-1800", False),
        ("20261120-20261121", "0800-1400", False),
        ("20261121-", "1400-", True),
        ("-20261121", "-1400", False),
        ("20261121", "1000-1800", True),
        ("20261121-20261123", "1430", True),
    ],
)
def test_ranges_of_a_date_and_its_time_are_one_span(days: str, hours: str, matches: bool) -> None:
    # PS3.4 K.6.1.2.2: July 5 to 7, 10 to 18 h is from July 5, 10 h until July 7, 18 h.
    keys = {"ScheduledProcedureStepStartDate": days, "ScheduledProcedureStepStartTime": hours}
    assert matcher(encoded(ScheduledProcedureStepSequence=keys))(ITEM) is matches


def test_a_value_that_no_date_can_be_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="StudyDate"):
        matcher(encoded() | {"00080020": {"vr": "DA", "Value": ["soon"]}})


@pytest.mark.parametrize(
    ("text", "wanted", "like"),
    [
        ("", "", True),
        ("", "*", True),
        ("", "?", False),
        ("abc", "abc", True),
        ("abc", "a*c", True),
        ("abc", "a**c*", True),
        ("abc", "*b", False),
        ("aXbXc", "a*X?", True),
        ("abcabd", "*ab?", True),
        ("a*c", "a?c", True),
        ("ab", "abc", False),
    ],
)
def test_wildcards(text: str, wanted: str, like: bool) -> None:
    assert is_like(text, wanted) is like


@pytest.mark.timeout(20)
def test_many_wildcards_do_not_hold_up_the_box() -> None:
    assert not is_like("a" * 1000, "*a" * 300 + "*b")


@pytest.mark.parametrize(
    ("step", "matches"),
    [
        ({"Modality": '""'}, False),
        ({"ScheduledProcedureStepID": '""'}, True),
        ({"ScheduledProcedureStepID": '""', "Modality": "CT"}, True),
        ({"ScheduledProtocolCodeSequence": {"CodeMeaning": '""'}}, True),
        ({"ScheduledProtocolCodeSequence": {"CodeValue": '""'}}, False),
        ({"Modality": "MR\\CT"}, True),
        ({"Modality": "MR\\US"}, False),
    ],
    ids=str,
)
def test_empty_and_several_values_match_within_items_where_agreed_on(step: dict[str, Any], matches: bool) -> None:
    keys = encoded(ScheduledProcedureStepSequence=step)
    assert matcher(keys, Manner(multiple=True, empty=True))(ITEM) is matches


def test_an_answer_has_of_a_sequence_the_items_that_match_and_of_these_what_is_asked_for() -> None:
    keys = encoded(PatientID="", ScheduledProcedureStepSequence={"Modality": "CT", "ScheduledProcedureStepID": ""})
    step = {"00080060": {"vr": "CS", "Value": ["CT"]}, "00400009": {"vr": "SH"}}
    assert answer(keys, ITEM) == {"00100020": ITEM["00100020"], "00400100": {"vr": "SQ", "Value": [step]}}
    assert answer(encoded(ScheduledProcedureStepSequence=[]), ITEM) == {"00400100": ITEM["00400100"]}
