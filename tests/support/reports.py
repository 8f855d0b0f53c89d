"""Structured reports made to order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pydicom
from pydicom.dataset import Dataset

from appliance.dicom import header
from tests.support.files import PYDICOM
from tests.support.pictures import write

COMPREHENSIVE = PYDICOM / "test_files" / "test-SR.dcm"
BASIC = PYDICOM / "test_files" / "reportsi.dcm"
BASIC_TEXT_SR = "1.2.840.10008.5.1.4.1.1.88.11"


def code(meaning: str, value: str = "1", scheme: str = "99TEST") -> Dataset:
    """An item of a code sequence."""
    coded = Dataset()
    coded.CodeValue, coded.CodingSchemeDesignator, coded.CodeMeaning = value, scheme, meaning
    return coded


def item(kind: str, name: str, relationship: str = "CONTAINS", **values: Any) -> Dataset:
    """A content item."""
    made = Dataset()
    made.RelationshipType, made.ValueType, made.ConceptNameCodeSequence = relationship, kind, [code(name)]
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def about(picture: Path, path: Path, *items: Dataset, title: str = "Radiology report", uid: str = "1.2.7.1") -> Path:
    """A report in the study of `picture`, which it mentions after `items`."""
    seen, made = pydicom.dcmread(picture, stop_before_pixels=True), Dataset()
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID"):
        setattr(made, keyword, seen.get(keyword, ""))
    made.SOPClassUID, made.SOPInstanceUID, made.SeriesInstanceUID = BASIC_TEXT_SR, uid, f"{uid}.9"
    made.SpecificCharacterSet, made.Modality, made.SeriesNumber = "ISO_IR 192", "SR", 77
    made.SeriesDescription, made.InstanceNumber = "Findings", 1
    made.ValueType, made.ContinuityOfContent, made.ConceptNameCodeSequence = "CONTAINER", "SEPARATE", [code(title)]
    made.CompletionFlag, made.VerificationFlag = "COMPLETE", "UNVERIFIED"
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = seen.SOPClassUID, seen.SOPInstanceUID
    made.ContentSequence = [*items, item("IMAGE", "Key image", ReferencedSOPSequence=[reference])]
    return write(path, made)


def metadata(path: Path) -> bytes:
    """A file's DICOM JSON as the index keeps it."""
    return header.read(path).metadata


def model(made: Dataset) -> bytes:
    """A data set's."""
    return orjson.dumps(made.to_json_dict())
