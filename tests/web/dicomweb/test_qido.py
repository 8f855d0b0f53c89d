"""Searching, as Python's dicomweb-client and plain HTTP clients do (PS3.18 10.6)."""

from __future__ import annotations

import gzip
from typing import Any

import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom.dataset import Dataset

from appliance.box import Box
from tests.support.clinic import ROOT
from tests.support.files import brainix, knee

Json = dict[str, Any]


def value(result: Json, keyword: str) -> Any:
    """The only value of an attribute."""
    return Dataset.from_json(result)[keyword].value


@pytest.fixture(scope="module")
def brain() -> Dataset:
    return pydicom.dcmread(brainix()[0], stop_before_pixels=True)


@pytest.mark.parametrize(
    "filters",
    [
        {"PatientName": "BRAINIX"},
        {"PatientName": "brain*"},
        {"00100010": "*AINI*"},
        {"PatientName": "BRAINI?"},
        {"PatientID": "5Yp0E"},
        {"StudyDate": "20061201"},
        {"StudyDate": "20061130-20061202"},
        {"ModalitiesInStudy": "MR", "PatientName": "B*"},
        {"StudyInstanceUID": "2.16.840.1.113669.632.20.1211.10000357775"},
    ],
)
def test_a_study_is_found_by_any_of_its_keys(client: DICOMwebClient, brain: Dataset, filters: dict[str, str]) -> None:
    found = client.search_for_studies(search_filters=filters)
    assert [value(study, "StudyInstanceUID") for study in found] == [brain.StudyInstanceUID]


def test_a_study_answers_with_its_table(client: DICOMwebClient, brain: Dataset) -> None:
    (study,) = client.search_for_studies(search_filters={"StudyInstanceUID": brain.StudyInstanceUID})
    assert study["00080005"] == {"vr": "CS", "Value": ["ISO_IR 192"]}
    assert study["00080056"] == {"vr": "CS", "Value": ["ONLINE"]}
    assert study["00080061"] == {"vr": "CS", "Value": ["MR"]}
    assert study["00081190"] == {"vr": "UR", "Value": [f"{ROOT}/studies/{brain.StudyInstanceUID}"]}
    assert study["00100010"] == {"vr": "PN", "Value": [{"Alphabetic": "BRAINIX"}]}
    assert study["00201206"] == {"vr": "IS", "Value": [2]}
    assert study["00201208"] == {"vr": "IS", "Value": [44]}
    assert list(study) == sorted(study)
    for keyword in ("StudyDate", "StudyTime", "PatientID", "PatientBirthDate", "StudyID", "ReferringPhysicianName"):
        assert value(study, keyword) == brain[keyword].value, keyword
    assert "00080060" not in study


def test_empty_required_attributes_are_there_and_empty_known_ones_are_not(client: DICOMwebClient) -> None:
    (study,) = client.search_for_studies(search_filters={"StudyInstanceUID": "1.2.999"})
    empty = [tag for tag, element in study.items() if "Value" not in element]
    assert set(empty) <= {
        "00080020",
        "00080030",
        "00080050",
        "00080090",
        "00100010",
        "00100020",
        "00100030",
        "00100040",
        "00200010",
    }
    assert "00080201" not in study


def test_series_and_instances_are_found_under_their_study(client: DICOMwebClient, brain: Dataset) -> None:
    series = client.search_for_series(brain.StudyInstanceUID)
    assert {value(each, "NumberOfSeriesRelatedInstances") for each in series} == {22}
    assert {value(each, "StudyInstanceUID") for each in series} == {brain.StudyInstanceUID}
    assert all("0008103E" in each and "00100010" not in each for each in series)
    instances = client.search_for_instances(brain.StudyInstanceUID)
    assert len(instances) == 44
    assert all("00080060" in each and "00100010" not in each for each in instances)
    (one,) = client.search_for_instances(
        brain.StudyInstanceUID, brain.SeriesInstanceUID, search_filters={"SOPInstanceUID": brain.SOPInstanceUID}
    )
    for keyword in ("SOPClassUID", "SeriesInstanceUID", "InstanceNumber", "Rows", "Columns", "BitsAllocated"):
        assert value(one, keyword) == brain[keyword].value, keyword
    assert one["00083002"]["Value"] == [brain.file_meta.TransferSyntaxUID]
    assert one["00081190"]["Value"][0].endswith(f"/series/{brain.SeriesInstanceUID}/instances/{brain.SOPInstanceUID}")
    assert "00080060" not in one


def test_series_and_instances_are_found_at_the_root_with_all_levels_told(client: DICOMwebClient) -> None:
    series = client.search_for_series(search_filters={"PatientName": "KNEE", "Modality": "MR"})
    assert len(series) == 2
    assert {str(value(each, "PatientName")) for each in series} == {"KNEE"}
    first = pydicom.dcmread(knee()[0], stop_before_pixels=True)
    (one,) = client.search_for_instances(search_filters={"SOPInstanceUID": first.SOPInstanceUID})
    assert (str(value(one, "PatientName")), value(one, "Modality")) == ("KNEE", "MR")


def test_names_in_every_script_are_found_and_told(client: DICOMwebClient) -> None:
    for pattern, whole in (
        ("山田*", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("buc^jer*", "Buc^Jérôme"),
        ("*люк*", "Люкceмбypг"),
    ):
        found = client.search_for_studies(search_filters={"PatientName": pattern})
        assert whole in {str(value(study, "PatientName")) for study in found}


def test_fuzzy_matching_finds_any_part_of_a_name(client: DICOMwebClient) -> None:
    literal = client.search_for_studies(search_filters={"PatientName": "tarou"})
    fuzzy = client.search_for_studies(search_filters={"PatientName": "tarou yama"}, fuzzymatching=True)
    assert not literal
    assert len(fuzzy) >= 1


def test_included_fields_come_along(client: DICOMwebClient, brain: Dataset) -> None:
    (study,) = client.search_for_studies(
        search_filters={"PatientName": "BRAINIX"}, fields=["StudyDescription", "00080060", "00101010"]
    )
    assert value(study, "StudyDescription") == brain.StudyDescription
    assert "00101010" in study
    assert "00080060" not in study
    (whole,) = client.search_for_studies(search_filters={"PatientName": "BRAINIX"}, fields=["all"])
    assert set(whole) > set(study)


def test_pages_fit_together_and_say_that_there_are_more(clinic: str, client: DICOMwebClient, brain: Dataset) -> None:
    url = f"{clinic}/studies/{brain.StudyInstanceUID}/instances"
    whole = requests.get(url, timeout=10).json()
    paged: list[Json] = []
    while page := requests.get(url, {"limit": "10", "offset": str(len(paged))}, timeout=10):
        paged += page.json()
        left = 44 - len(paged)
        warned = f'299 pacsbox "There are {left} additional results that can be requested"' if left else None
        assert page.headers.get("Warning") == warned
        if not left:
            break
    assert paged == whole
    assert len(client.search_for_instances(brain.StudyInstanceUID, limit=7, get_remaining=True)) == 44


def test_nothing_found_is_an_empty_list(clinic: str) -> None:
    for path in ("studies?PatientID=nobody", "studies/1.2.3/series", "studies?limit=0", "studies?offset=1000"):
        answer = requests.get(f"{clinic}/{path}", timeout=10)
        assert (answer.status_code, answer.json()) == (200, [])
        assert answer.headers["Content-Type"] == "application/dicom+json"


def test_what_ohif_asks_is_answered(clinic: str, brain: Dataset) -> None:
    listing = (
        "studies?limit=101&offset=0&fuzzymatching=false&includefield=00081030%2C00080060%2C00080090%2C00100030"
        f"&StudyInstanceUID={brain.StudyInstanceUID}"
    )
    assert len(requests.get(f"{clinic}/{listing}", timeout=10).json()) == 1
    others = f"studies?00100020={brain.PatientID}&limit=101&offset=0&fuzzymatching=false&includefield=00081030"
    assert len(requests.get(f"{clinic}/{others}", timeout=10).json()) == 1
    several = f"studies?StudyInstanceUID={brain.StudyInstanceUID}%5C1.2.999"
    assert len(requests.get(f"{clinic}/{several}", timeout=10).json()) == 2
    series = f"studies/{brain.StudyInstanceUID}/series?includefield=00080021%2C00080031%2C0008103E%2C00200011"
    assert len(requests.get(f"{clinic}/{series}", timeout=10).json()) == 2
    worklist = (
        "PatientName=*BRAIN*&00100020=*5Yp*&AccessionNumber=*0*&ModalitiesInStudy=CT,MR&StudyDate=20060101-20061231"
    )
    assert len(requests.get(f"{clinic}/studies?{worklist}", timeout=10).json()) == 1


def test_ignored_keys_are_warned_of(clinic: str) -> None:
    answer = requests.get(f"{clinic}/studies?00091001=120&PatientName=BRAINIX", timeout=10)
    assert len(answer.json()) == 1
    assert "00091001" in answer.headers["Warning"]
    answer = requests.get(f"{clinic}/studies?%0D%0A%22%E5%90%8D=x&PatientName=BRAINIX", timeout=10)
    assert len(answer.json()) == 1
    assert answer.headers["Warning"].endswith('ignored: %0D%0A%22%E5%90%8D"')


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("studies?PatientNam=x", 200),
        ("studies?StudyDate=2024-01-01-01", 400),
        ("studies?limit=all", 400),
        ("studies/1.2.x/series", 400),
        ("studies/../series", 200),
        ("studies/1.2/series/1..2/instances", 400),
        (f"studies/{'1' * 65}/instances", 400),
        ("patients", 404),
        ("studies/1.2/instances/1.3", 404),
    ],
)
def test_a_wrong_request_is_answered_in_one_line(clinic: str, path: str, status: int) -> None:
    answer = requests.get(f"{clinic}/{path}", timeout=10)
    assert answer.status_code == status
    assert status == 200 or (answer.text.endswith("\n") and answer.text.count("\n") == 1)


def test_what_cannot_be_answered_in_is_refused_with_what_can(clinic: str) -> None:
    answer = requests.get(f"{clinic}/studies", headers={"Accept": "application/dicom+xml"}, timeout=10)
    assert answer.status_code == 406
    assert "application/dicom+json" in answer.text


def test_only_reading_is_known(clinic: str) -> None:
    answer = requests.delete(f"{clinic}/studies/1.2", timeout=10)
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_answers_are_packed_for_who_takes_that_and_kept_by_nobody(clinic: str) -> None:
    plain = requests.get(f"{clinic}/studies", headers={"Accept-Encoding": "identity"}, timeout=10)
    assert "Content-Encoding" not in plain.headers
    packed = requests.get(f"{clinic}/studies", headers={"Accept-Encoding": "br, gzip"}, timeout=10, stream=True)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.raw.read(decode_content=False)) == plain.content
    assert plain.headers["Cache-Control"] == "no-store"
    assert "Accept-Encoding" in plain.headers["Vary"]


def test_a_head_tells_what_a_get_would(clinic: str, stocked: Box) -> None:
    studies, _ = stocked.storage.studies.count()
    assert studies > 10
    answer = requests.head(f"{clinic}/studies", headers={"Accept-Encoding": "identity"}, timeout=10)
    assert answer.status_code == 200
    assert int(answer.headers["Content-Length"]) > 1000
    assert answer.content == b""
