"""Rows of the index as DICOM JSON and as data sets."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.multival import MultiValue
from pydicom.uid import ExplicitVRLittleEndian

from appliance.dicom.answer import to_dataset, to_json
from appliance.dicom.attributes import ATTRIBUTES

ROW: dict[str, Any] = {
    "PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "PatientID": "A 1",
    "StudyDate": "20240105",
    "ModalitiesInStudy": "CT\\SR",
    "SeriesNumber": "-3",
    "Rows": "512",
    "NumberOfStudyRelatedInstances": 12,
    "PerformingPhysicianName": "House^Gregory\\Wilson^James",
    "ImageType": "ORIGINAL\\\\AXIAL\\",
    "StudyDescription": "",
    "RetrieveURL": "/dicom-web/studies/1.2",
}


@pytest.mark.parametrize(
    ("keyword", "tag", "element"),
    [
        (
            "PatientName",
            "00100010",
            {
                "vr": "PN",
                "Value": [{"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}],
            },
        ),
        ("PatientID", "00100020", {"vr": "LO", "Value": ["A 1"]}),
        ("StudyDate", "00080020", {"vr": "DA", "Value": ["20240105"]}),
        ("ModalitiesInStudy", "00080061", {"vr": "CS", "Value": ["CT", "SR"]}),
        ("SeriesNumber", "00200011", {"vr": "IS", "Value": [-3]}),
        ("Rows", "00280010", {"vr": "US", "Value": [512]}),
        ("NumberOfStudyRelatedInstances", "00201208", {"vr": "IS", "Value": [12]}),
        (
            "PerformingPhysicianName",
            "00081050",
            {"vr": "PN", "Value": [{"Alphabetic": "House^Gregory"}, {"Alphabetic": "Wilson^James"}]},
        ),
        ("ImageType", "00080008", {"vr": "CS", "Value": ["ORIGINAL", None, "AXIAL"]}),
        ("StudyDescription", "00081030", {"vr": "LO"}),
        ("AccessionNumber", "00080050", {"vr": "SH"}),
        ("RetrieveURL", "00081190", {"vr": "UR", "Value": ["/dicom-web/studies/1.2"]}),
    ],
)
def test_each_value_has_its_vrs_form(keyword: str, tag: str, element: dict[str, Any]) -> None:
    assert to_json(ROW, [keyword]) == {tag: element}


@pytest.mark.parametrize(("keyword", "value"), [("Rows", "x"), ("PatientName", "^^"), ("SeriesNumber", " ")])
def test_a_value_that_says_nothing_leaves_the_vr_alone(keyword: str, value: str) -> None:
    (element,) = to_json({keyword: value}, [keyword]).values()
    assert list(element) == ["vr"]


def test_what_pydicom_reads_from_the_json_is_what_the_data_set_holds() -> None:
    keywords = [attribute.keyword for attribute in ATTRIBUTES]
    from_json = Dataset.from_json(to_json(ROW, keywords))
    dataset = to_dataset(ROW, keywords)
    assert [plain(from_json[keyword].value) for keyword in keywords] == [
        plain(dataset[keyword].value) for keyword in keywords
    ]


def plain(value: Any) -> Any:
    """Both ways to say that there is nothing are one."""
    return [plain(one) for one in value] if isinstance(value, (list, MultiValue)) else value or ""


def test_a_data_set_is_written_in_unicode_and_read_back() -> None:
    dataset = to_dataset(
        ROW | {"StudyID": "x" * 40}, ["PatientName", "StudyID", "ModalitiesInStudy", "Rows", "ImageType"]
    )
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = BytesIO()
    dcmwrite(file, dataset)
    back = dcmread(file, force=True)
    assert str(back.PatientName) == ROW["PatientName"]
    assert back.SpecificCharacterSet == "ISO_IR 192"
    assert list(back.ModalitiesInStudy) == ["CT", "SR"]
    assert list(back.ImageType) == ["ORIGINAL", "", "AXIAL"]
    assert back.Rows == 512
