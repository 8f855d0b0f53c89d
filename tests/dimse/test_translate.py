"""Data sets of requests and answers, to DICOM JSON and back."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from appliance.dimse.translate import attributes_of, failure, to_dataset
from tests.support.items import ITEM, dataset


def test_there_and_back_nothing_changes() -> None:
    assert attributes_of(to_dataset(ITEM)).keys == ITEM


@pytest.mark.parametrize(
    ("asked", "name", "told"),
    [
        ("ISO_IR 100", "Müller^Jürgen", "ISO_IR 100"),
        ("ISO_IR 126", "Παπαδοπούλου^Ελένη", "ISO_IR 126"),
        ("ISO_IR 100", "Παπαδοπούλου^Ελένη", "ISO_IR 192"),
        ("ISO_IR 999", "Müller^Jürgen", "ISO_IR 192"),
        ("ISO_IR 999", "Doe^Jane", None),
        ("", "Doe^Jane", None),
        ("GB18030", "王^小东", "GB18030"),
    ],
)
def test_the_set_asked_for_is_taken_when_it_can_carry_the_text(asked: str, name: str, told: str | None) -> None:
    item = attributes_of(dataset(PatientName=name)).keys
    answer = to_dataset({"00081110": {"vr": "SQ", "Value": [item]}}, asked)
    assert answer.get("SpecificCharacterSet") == told


def test_the_character_set_of_a_request_is_told_apart_from_its_keys() -> None:
    asked = attributes_of(dataset(SpecificCharacterSet=["", "ISO 2022 IR 87"], PatientID="1"))
    assert asked.character_set == "\\ISO 2022 IR 87"
    assert list(asked.keys) == ["00100020"]


def test_a_failure_says_why_in_what_a_comment_can_hold() -> None:
    told = failure(0x0110, "Müller " * 20, 0xA710, ("00400252",))
    assert (told.Status, told.ErrorID, told.AttributeIdentifierList) == (0x0110, 0xA710, 0x00400252)
    assert len(told.ErrorComment) == 64
    assert told.ErrorComment.isascii()
    assert "ErrorID" not in failure(0x0110, "no")
    assert isinstance(told, Dataset)
