"""What a modality must say of a performed step, and may still say."""

from __future__ import annotations

from typing import Any

import pytest
from pydicom.dataset import Dataset

from appliance.dimse.received import attributes
from appliance.storage.rows import StepState
from appliance.worklist.report import Refusal, ReportError, changed, check_new, images_of
from tests.support.modality import ending, report


def json(dataset: Dataset) -> dict[str, Any]:
    return attributes(dataset)


def test_a_step_that_begins_as_it_should() -> None:
    check_new("1.2.3", json(report()))


@pytest.mark.parametrize(
    ("uid", "said", "refusal", "words"),
    [
        ("1.2.x", {}, Refusal.INVALID_UID, "SOP Instance UID"),
        ("1.2.3", {"Modality": None}, Refusal.MISSING, "Modality missing"),
        ("1.2.3", {"Modality": ""}, Refusal.EMPTY, "Modality without value"),
        ("1.2.3", {"PerformedProcedureStepStartTime": ""}, Refusal.EMPTY, "StartTime"),
        ("1.2.3", {"PerformedStationAETitle": None}, Refusal.MISSING, "PerformedStationAETitle"),
        ("1.2.3", {"ScheduledStepAttributesSequence": []}, Refusal.EMPTY, "ScheduledStepAttributesSequence"),
        ("1.2.3", {"StudyInstanceUID": ""}, Refusal.EMPTY, "StudyInstanceUID"),
        ("1.2.3", {"PerformedProcedureStepStatus": "COMPLETED"}, Refusal.INVALID, "IN PROGRESS"),
        ("1.2.3", {"PerformedProcedureStepStatus": "DONE"}, Refusal.INVALID, "the status is"),
    ],
)
def test_a_step_that_may_not_begin_so(uid: str, said: dict[str, Any], refusal: Refusal, words: str) -> None:
    with pytest.raises(ReportError, match=words) as refused:
        check_new(uid, json(report(**said)))
    assert refused.value.refusal is refusal


def test_the_end_brings_its_images_and_leaves_whose_step_it_is() -> None:
    said = ending("COMPLETED", "1.2.3.4.1.1", "1.2.3.4.1.2", PatientID="ANOTHER", Modality="MR")
    after = changed(StepState.IN_PROGRESS, json(report()), json(said))
    assert images_of(after) == ["1.2.3.4.1.1", "1.2.3.4.1.2"]
    assert after["00100020"]["Value"] == ["4711"]
    assert after["00080060"]["Value"] == ["CT"]


@pytest.mark.parametrize(
    ("state", "said", "refusal"),
    [
        (StepState.COMPLETED, {}, Refusal.FINAL),
        (StepState.DISCONTINUED, {"status": "IN PROGRESS"}, Refusal.FINAL),
        (StepState.IN_PROGRESS, {"PerformedProcedureStepEndTime": None}, Refusal.EMPTY),
        (StepState.IN_PROGRESS, {"PerformedSeriesSequence": []}, Refusal.EMPTY),
        (StepState.IN_PROGRESS, {"status": "FINISHED"}, Refusal.INVALID),
    ],
)
def test_an_end_that_is_refused(state: StepState, said: dict[str, Any], refusal: Refusal) -> None:
    said = dict(said)
    with pytest.raises(ReportError) as refused:
        changed(state, json(report()), json(ending(said.pop("status", "COMPLETED"), **said)))
    assert refused.value.refusal is refusal


def test_a_step_may_go_on_and_be_broken_off_without_images() -> None:
    going = changed(StepState.IN_PROGRESS, json(report()), json(ending("IN PROGRESS")))
    assert changed(StepState.IN_PROGRESS, going, json(ending("DISCONTINUED", PerformedSeriesSequence=[])))
