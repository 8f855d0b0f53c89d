"""Data sets of messages, as bytes that nobody vouches for."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from appliance.dicom.repertoire import ANY
from appliance.dicom.write import from_json, writer
from appliance.dimse.identifier import read
from appliance.dimse.received import attributes, data_set
from tests.support.items import ITEM, dataset

SYNTAXES = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_there_and_back_nothing_changes(syntax: str) -> None:
    data = writer(syntax).data_set(from_json(ITEM), ANY)
    assert attributes(data_set(data, syntax)) == ITEM


def test_the_character_set_is_told_apart() -> None:
    said = Dataset()
    said.SpecificCharacterSet, said.PatientID = ["", "ISO 2022 IR 87"], "1"
    assert list(attributes(said)) == ["00100020"]


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_keys_are_text_those_within_sequences_too(syntax: str) -> None:
    said = {"PatientName": "Müller*", "Rows": 512, "ProcedureCodeSequence": {"CodeValue": "A*", "CodeMeaning": ""}}
    asked = read(writer(syntax).data_set(from_json(attributes(dataset(**said))), ANY), syntax)
    assert (asked.text(0x00100010), asked.text(0x00280010)) == ("Müller*", "512")
    item = {"00080100": {"vr": "SH", "Value": ["A*"]}, "00080104": {"vr": "LO"}}
    assert asked.sequences == {"00081032": {"vr": "SQ", "Value": [item]}}


@pytest.mark.parametrize(
    "data",
    [
        b"\x08\0",
        b"\x10\x00\x20\x00LO\x40\x00",
        b"\x08\0\x10\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff" * 3000,
    ],
    ids=["short", "cut", "deep"],
)
def test_what_is_none_is_said_so_or_empty(data: bytes) -> None:
    try:
        assert not any("Value" in element for element in attributes(data_set(data, SYNTAXES[1])).values())
        assert not any(read(data, SYNTAXES[1]).keys.values())
    except ValueError as fault:
        assert str(fault).startswith("the data set cannot be")
