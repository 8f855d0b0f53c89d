"""Searching by, and telling of, what only the instances' metadata hold; results as XML."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom import dcmread
from pydicom.dataset import Dataset

from appliance.archive import looking
from appliance.box import Box
from tests.support.clinic import ROOT, opened
from tests.support.files import PYDICOM
from tests.support.indexing import stock

REQUEST = "00400275"
XML = {"Accept": 'multipart/related; type="application/dicom+xml"'}
NAMESPACE = "{http://dicom.nema.org/PS3.19/models/NativeDICOM}"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, stocked: Box) -> Iterator[str]:
    """Two studies of one CT each; of one it is known what was asked for."""
    folder = tmp_path_factory.mktemp("beyond")
    box = Box(stocked.config.model_copy(update={"data_dir": folder / "box"}))
    paths = [made(folder, "1.2.91", "REQ1", 120), made(folder, "1.2.92", "", 80)]
    stock(box, *paths)
    with opened(box) as doors:
        yield doors.clinic + ROOT
    box.close()


def made(folder: Path, study: str, request: str, kvp: int) -> Path:
    dataset = dcmread(PYDICOM / "test_files" / "CT_small.dcm")
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, f"{study}.1"
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"{study}.1.1"
    dataset.KVP, dataset.PatientComments = kvp, f"comment {study}"
    if request:
        item = Dataset()
        item.RequestedProcedureID, item.ScheduledProcedureStepID = request, "STEP1"
        dataset.RequestAttributesSequence = [item]
    path = folder / f"{study}.dcm"
    dataset.save_as(path)
    return path


def found(root: str, target: str, **headers: str) -> list[dict[str, Any]]:
    answer = requests.get(f"{root}/{target}", headers=headers, timeout=20)
    assert answer.status_code == 200, answer.text
    return list(answer.json())


@pytest.mark.parametrize("level", ["studies", "series", "instances"])
@pytest.mark.parametrize(
    "query",
    [
        "KVP=120",
        "00180060=120",
        "RequestAttributesSequence.RequestedProcedureID=REQ1",
        "00400275.00401001=REQ*",
        "00400275.00401001=REQ1&00400275.00400009=STEP?",
        "PatientComments=*1.2.91",
        "KVP=120&PatientID=1CT1",
    ],
)
def test_each_level_is_searched_by_what_is_not_indexed(root: str, level: str, query: str) -> None:
    (only,) = found(root, f"{level}?{query}")
    assert only["0020000D"]["Value"] == ["1.2.91"]
    assert any(tag in only for tag in ("00180060", REQUEST, "00104000"))


@pytest.mark.parametrize("query", ["KVP=1", "00400275.00401001=REQ1&00400275.00400009=OTHER", "KVP=120&PatientID=x"])
def test_nothing_is_found_where_nothing_matches(root: str, query: str) -> None:
    assert found(root, f"studies?{query}") == []


@pytest.mark.parametrize(
    ("query", "studies"),
    [
        ("KVP=120%5C1&multiplevaluematching=true", ["1.2.91"]),
        ("PatientComments=*91%5C*92&multiplevaluematching=true", ["1.2.91", "1.2.92"]),
        ("PatientComments=*91%5C*92", []),
        ("00400275.00401001=REQ1%5CREQ2&multiplevaluematching=true", ["1.2.91"]),
        ('Occupation=""&emptyvaluematching=true', ["1.2.91", "1.2.92"]),
        ('Occupation=""', []),
        ('PatientComments=""&emptyvaluematching=true', []),
        ('00400275.00401003=""&emptyvaluematching=true', ["1.2.91"]),
    ],
)
def test_several_values_and_none_match_there_too(root: str, query: str, studies: list[str]) -> None:
    assert sorted(each["0020000D"]["Value"][0] for each in found(root, f"studies?{query}")) == studies


def test_names_that_only_metadata_hold_are_matched_literally_with_a_warning(root: str) -> None:
    answer = requests.get(f"{root}/studies?OtherPatientNames=Doe&fuzzymatching=true", timeout=20)
    assert answer.headers["Warning"].startswith("299 ")
    assert "literal" in answer.headers["Warning"]
    assert "Warning" not in requests.get(f"{root}/studies?PatientName=Doe&fuzzymatching=true", timeout=20).headers


def test_pages_of_such_a_search_fit_together(root: str) -> None:
    every = [each["0020000D"]["Value"][0] for each in found(root, "studies?PatientComments=comment*")]
    pages = [found(root, f"studies?PatientComments=comment*&limit=1&offset={n}") for n in range(3)]
    assert [page[0]["0020000D"]["Value"][0] for page in pages[:2]] == every
    assert pages[2] == []


def test_a_series_tells_of_what_was_requested(root: str) -> None:
    (series,) = found(root, "studies/1.2.91/series")
    assert series[REQUEST]["Value"][0]["00401001"]["Value"] == ["REQ1"]
    (other,) = found(root, "studies/1.2.92/series")
    assert REQUEST not in other


def test_fields_are_included_where_they_are_of_the_level(root: str) -> None:
    (study,) = found(root, "studies?StudyInstanceUID=1.2.91&includefield=PatientComments,KVP,OperatorsName")
    assert study["00104000"]["Value"] == ["comment 1.2.91"]
    assert "00180060" not in study
    (instance,) = found(root, "studies/1.2.91/instances?includefield=KVP")
    assert instance["00180060"]["Value"] == [120]
    assert list(instance) == sorted(instance)


def test_all_fields_of_an_instance_are_its_metadata_and_of_a_study_only_its_own(root: str) -> None:
    (instance,) = found(root, "studies/1.2.91/instances?includefield=all")
    (metadata,) = found(root, "studies/1.2.91/metadata")
    assert {tag for tag in metadata if tag[:4] != "0002"} <= instance.keys()
    assert instance["7FE00010"]["BulkDataURI"].startswith("/dicom-web/studies/")
    (study,) = found(root, "studies?StudyInstanceUID=1.2.91&includefield=all")
    assert study["00104000"]["Value"] == ["comment 1.2.91"]
    assert not {"00080060", "00180060", "00080018"} & study.keys()


def test_a_search_that_looks_into_too_much_is_refused_with_what_to_do(
    root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "SECONDS", -1.0)
    answer = requests.get(f"{root}/studies?KVP=120", timeout=20)
    assert answer.status_code == 413
    assert "add keys" in answer.text


def test_the_time_that_such_a_search_takes_is_bounded(root: str) -> None:
    began = time.monotonic()
    found(root, "instances?KVP=99")
    assert time.monotonic() - began < 20


def documents(answer: requests.Response) -> list[ElementTree.Element]:
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    parts = message_from_bytes(head + answer.content).get_payload()
    assert isinstance(parts, list)
    assert {part.get_content_type() for part in parts} <= {"application/dicom+xml"}
    return [ElementTree.fromstring(part.get_payload(decode=True)) for part in parts]


def test_results_come_as_xml_where_asked(root: str) -> None:
    answer = requests.get(f"{root}/studies?PatientComments=comment*", headers=XML, timeout=20)
    uids = [
        each.findtext(f"{NAMESPACE}DicomAttribute[@keyword='StudyInstanceUID']/{NAMESPACE}Value")
        for each in documents(answer)
    ]
    assert sorted(map(str, uids)) == ["1.2.91", "1.2.92"]


def test_metadata_come_as_xml_where_asked(root: str) -> None:
    (document,) = documents(requests.get(f"{root}/studies/1.2.91/metadata", headers=XML, timeout=20))
    assert document.tag == f"{NAMESPACE}NativeDicomModel"
    name = document.find(f"{NAMESPACE}DicomAttribute[@tag='00100010']/{NAMESPACE}PersonName/{NAMESPACE}Alphabetic")
    assert name is not None
    assert name.findtext(f"{NAMESPACE}FamilyName") == "CompressedSamples"
    bulk = document.find(f"{NAMESPACE}DicomAttribute[@tag='7FE00010']/{NAMESPACE}BulkData")
    assert bulk is not None
    assert bulk.attrib["uri"].startswith("/dicom-web/studies/1.2.91/")


def test_json_stays_the_default_even_for_who_takes_xml_too(root: str) -> None:
    for accept in ("*/*", 'application/dicom+json, multipart/related; type="application/dicom+xml"; q=0.5'):
        answer = requests.get(f"{root}/studies", headers={"Accept": accept}, timeout=20)
        assert answer.headers["Content-Type"] == "application/dicom+json"
    answer = requests.get(f"{root}/studies", headers={"Accept": "application/dicom+xml"}, timeout=20)
    assert answer.status_code == 406
    assert "application/dicom+json" in answer.text


def test_the_client_library_searches_by_any_of_it(root: str) -> None:
    client = DICOMwebClient(root)
    (only,) = client.search_for_series(search_filters={"00400275.00401001": "REQ1"}, fields=["OperatorsName"])
    assert only["0020000D"]["Value"] == ["1.2.91"]
