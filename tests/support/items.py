"""Small data sets as DICOM JSON."""

from __future__ import annotations

from typing import Any

from pydicom import config
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from appliance.dicom import json
from appliance.dicom.json import Json


def encoded(**said: Any) -> Json:
    """DICOM JSON of attributes by keyword; a dictionary is a sequence of one item."""
    return json.encode(dataset(**said), lambda _path: "")


def dataset(**said: Any) -> Dataset:
    """A data set of them, whatever their VR thinks of the values."""
    made = Dataset()
    for keyword, value in said.items():
        tag = tag_for_keyword(keyword)
        assert tag is not None, keyword
        inner = [dataset(**value)] if isinstance(value, dict) else value
        made.add(DataElement(tag, dictionary_VR(tag), inner, validation_mode=config.IGNORE))
    return made


ITEM = encoded(
    PatientName="Müller^Jürgen=山田^太郎",
    PatientID="4711",
    PatientWeight="70.50",
    StudyInstanceUID="1.2.3",
    StudyDate="2026.11.21",
    StudyTime="14:30:00",
    AccessionNumber="A[1]",
    StudyDescription="",
    ScheduledProcedureStepSequence={
        "Modality": "CT",
        "ScheduledProcedureStepStartDate": "20261121",
        "ScheduledProcedureStepStartTime": "1430",
        "ScheduledProtocolCodeSequence": {"CodeValue": "C1", "CodingSchemeDesignator": "99LOCAL"},
    },
)
