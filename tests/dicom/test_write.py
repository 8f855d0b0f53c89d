"""Small data sets as bytes, which pydicom reads."""

from __future__ import annotations

from io import BytesIO

import pytest
from pydicom.filereader import read_dataset

from appliance.dicom.repertoire import repertoire
from appliance.dicom.write import from_json, writer

VALUES = {
    0x00080052: ("CS", "STUDY"),
    0x00080061: ("CS", "CT\\MR"),
    0x00100010: ("PN", "Buc^Jérôme"),
    0x0020000D: ("UI", "1.2.3"),
    0x00201208: ("IS", "44"),
    0x00280010: ("US", "512"),
    0x00280011: ("US", "none"),
}


@pytest.mark.parametrize(
    ("syntax", "implicit", "little"),
    [("1.2.840.10008.1.2", True, True), ("1.2.840.10008.1.2.1", False, True), ("1.2.840.10008.1.2.2", False, False)],
)
@pytest.mark.parametrize(("asked", "used"), [(b"ISO_IR 100", "ISO_IR 100"), (b"ISO_IR 144", "ISO_IR 192")])
def test_every_encoding_is_read_back(syntax: str, implicit: bool, little: bool, asked: bytes, used: str) -> None:
    data = writer(syntax).data_set(VALUES, repertoire(asked))
    found = read_dataset(BytesIO(data), implicit, little)
    assert found.SpecificCharacterSet == used
    assert (found.PatientName, found.ModalitiesInStudy, found.StudyInstanceUID) == ("Buc^Jérôme", ["CT", "MR"], "1.2.3")
    assert (found.NumberOfStudyRelatedInstances, found.Rows, found.Columns) == (44, 512, None)


def test_a_list_too_long_for_its_own_vr_has_room_as_unknown() -> None:
    uids = "\\".join(f"1.2.840.10008.{number}" for number in range(5000))
    data = writer("1.2.840.10008.1.2.1").data_set({0x00080058: ("UI", uids)}, repertoire(b""))
    assert data[4:6] == b"UN"
    assert int.from_bytes(data[8:12], "little") == len(data) - 12 == len(uids) + len(uids) % 2


MODEL = {
    "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
    "00081110": {"vr": "SQ", "Value": [{"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Müller^Jürgen"}]}}, {}]},
    "00081115": {"vr": "SQ"},
    "00101030": {"vr": "DS", "Value": [70.5, None, 3]},
    "00280009": {"vr": "AT", "Value": ["00181063"]},
    "0040A160": {"vr": "UT"},
    "00420011": {"vr": "OB", "InlineBinary": "AAEC/w=="},
    "0040A161": {"vr": "FD", "Value": [1.25]},
}


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"])
@pytest.mark.parametrize(("asked", "used"), [(b"ISO_IR 100", "ISO_IR 100"), (b"ISO_IR 126", "ISO_IR 192")])
def test_json_is_written_with_its_sequences(syntax: str, asked: bytes, used: str) -> None:
    data = writer(syntax).data_set(from_json(MODEL), repertoire(asked))
    found = read_dataset(BytesIO(data), syntax == "1.2.840.10008.1.2", syntax != "1.2.840.10008.1.2.2")
    first, second = found.ReferencedStudySequence
    assert (found.SpecificCharacterSet, first.PatientName, len(second)) == (used, "Müller^Jürgen", 0)
    assert (list(found.ReferencedSeriesSequence), found.PatientWeight) == ([], [70.5, "", 3])
    assert (found.FrameIncrementPointer, found.TextValue) == (0x00181063, "")
    assert (found.EncapsulatedDocument, found.FloatingPointValue) == (b"\0\1\2\xff", 1.25)
