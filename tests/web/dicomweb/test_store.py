"""Storing by STOW-RS, with the indexer at work as in a box (PS3.18 10.5)."""

from __future__ import annotations

import socket
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom.dataset import Dataset

from appliance.box import Box
from appliance.config import load
from appliance.dicom import from_xml, part10
from appliance.dicom import header as headers
from appliance.errors import UnreadableInstanceError
from tests.support.clinic import ROOT, named, opened
from tests.support.drafts import left_by_a_dead_process
from tests.support.files import PYDICOM, brainix, knee, pydicom_files
from tests.support.indexing import indexing
from tests.support.waiting import wait_for

Json = dict[str, Any]
DICOM = 'multipart/related; type="application/dicom"'
STORED, FAILED = "00081199", "00081198"


def post(url: str, *files: bytes, kind: str = "application/dicom", end: bytes = b"\r\n--x--\r\n") -> requests.Response:
    parts = b"".join(b"\r\n--x\r\nContent-Type: " + kind.encode() + b"\r\n\r\n" + file for file in files)
    headers = {"Content-Type": f"{DICOM}; boundary=x"}
    return requests.post(url, data=parts.lstrip(b"\r\n") + end, headers=headers, timeout=60)


def data_set(file: bytes) -> bytes:
    """What stands behind the header."""
    return file[part10.read(BytesIO(file)).length :]


def items(report: Json, tag: str) -> list[Dataset]:
    return [Dataset.from_json(item) for item in report.get(tag, {}).get("Value", [])]


def test_what_the_client_stores_can_be_asked_for_at_once_and_is_the_same(root: str) -> None:
    client = DICOMwebClient(root)
    datasets = [pydicom.dcmread(path) for path in (*brainix()[:3], *knee()[:2])]
    report = client.store_instances(datasets)
    assert {item.ReferencedSOPInstanceUID for item in report.ReferencedSOPSequence} == {
        dataset.SOPInstanceUID for dataset in datasets
    }
    assert "FailedSOPSequence" not in report
    assert len(client.search_for_studies()) == 2
    for dataset in datasets:
        uids = (dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)
        assert client.retrieve_instance(*uids) == dataset


def test_the_bytes_of_every_kind_of_file_stay_as_they_are(root: str, box: Box) -> None:
    files: dict[str, bytes] = {}
    for path in [*pydicom_files(), *knee()[:1]]:
        try:
            header = headers.read(path)
        except UnreadableInstanceError:
            continue
        files.setdefault(header.uids[2], path.read_bytes())
    answer = post(f"{root}/studies", *files.values())
    assert answer.status_code == 200
    stored = items(answer.json(), STORED)
    assert len(stored) > 40
    for item in stored:
        (instance,) = [
            one
            for study in box.storage.studies.study_uids()
            if (one := box.storage.studies.instance(study, item.ReferencedSOPInstanceUID))
        ]
        kept = box.blobs.path(instance.blob_key).read_bytes()
        assert data_set(kept) == data_set(files[item.ReferencedSOPInstanceUID])
        assert instance.via == "STOW-RS"
        assert item.RetrieveURL.endswith(f"/instances/{item.ReferencedSOPInstanceUID}")


def test_all_of_it_stored_is_told_with_where_it_is(root: str) -> None:
    dataset = pydicom.dcmread(brainix()[0], stop_before_pixels=True)
    answer = post(f"{root}/studies/{dataset.StudyInstanceUID}", brainix()[0].read_bytes(), brainix()[1].read_bytes())
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/dicom+json")
    report = answer.json()
    assert report["00081190"]["Value"] == [f"{ROOT}/studies/{dataset.StudyInstanceUID}"]
    assert [item.ReferencedSOPClassUID for item in items(report, STORED)] == [dataset.SOPClassUID] * 2


def test_the_answer_comes_as_xml_where_asked(root: str) -> None:
    headers = {"Content-Type": "application/dicom", "Accept": "application/dicom+xml"}
    answer = requests.post(f"{root}/studies", data=brainix()[0].read_bytes(), headers=headers, timeout=20)
    assert answer.headers["Content-Type"] == "application/dicom+xml"
    assert from_xml.model(answer.content)[STORED]["Value"][0]["00081190"]["Value"][0].startswith(ROOT)
    refused = requests.post(f"{root}/studies", data=b"", headers=headers | {"Accept": "text/html"}, timeout=20)
    assert refused.status_code == 406


def test_the_same_again_changes_nothing_and_other_bytes_are_a_conflict(root: str, box: Box) -> None:
    file = brainix()[0].read_bytes()
    assert post(f"{root}/studies", file).status_code == 200
    assert post(f"{root}/studies", file).status_code == 200
    answer = post(f"{root}/studies", file[:-2] + b"\x01\x02")
    assert answer.status_code == 409
    (item,) = items(answer.json(), FAILED)
    assert item.FailureReason == 0x0111
    assert item.ReferencedSOPInstanceUID == pydicom.dcmread(brainix()[0], stop_before_pixels=True).SOPInstanceUID
    assert box.storage.studies.count() == (1, 1)


def test_what_is_of_another_study_is_refused_and_the_rest_is_stored(root: str, box: Box) -> None:
    dataset = pydicom.dcmread(brainix()[0], stop_before_pixels=True)
    answer = post(f"{root}/studies/{dataset.StudyInstanceUID}", brainix()[0].read_bytes(), knee()[0].read_bytes())
    assert answer.status_code == 202
    (item,) = items(answer.json(), FAILED)
    assert item.FailureReason == 0xA900
    assert box.storage.studies.count() == (1, 1)


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"this is no DICOM file",
        b"\0" * 128 + b"DICM",
        b"\0" * 128 + b"DICM" + b"\2\0" * 100_000,
        b"\0" * 200_000,
    ],
)
def test_what_is_no_dicom_file_is_refused_and_leaves_nothing(root: str, box: Box, file: bytes) -> None:
    answer = post(f"{root}/studies", file)
    assert answer.status_code == 409
    (item,) = items(answer.json(), FAILED)
    assert item.FailureReason == 0xC000
    assert not list((box.data_dir / "spool").rglob("*.dcm"))


def test_a_file_whose_header_names_another_instance_is_kept_under_its_own_name(root: str) -> None:
    dataset = pydicom.dcmread(brainix()[0])
    file = (
        brainix()[0]
        .read_bytes()
        .replace(dataset.SOPInstanceUID.encode(), b"1." + b"1" * (len(dataset.SOPInstanceUID) - 2), 1)
    )
    answer = post(f"{root}/studies", file)
    assert [item.ReferencedSOPInstanceUID for item in items(answer.json(), STORED)] == [dataset.SOPInstanceUID]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"--x--\r\n", 400),
        (b"--x\r\n\r\n", 400),
        (b"--x\r\nContent-Type: application/dicom", 400),
        (b"--y\r\n\r\nsomething\r\n--y--", 400),
        (b"--x junk\r\n\r\n\r\n--x--", 400),
        (b"--x\r\n" + b"A: b\r\n" * 10_000 + b"\r\n\r\n--x--", 400),
    ],
)
def test_a_malformed_body_is_refused_in_one_line(root: str, body: bytes, status: int) -> None:
    answer = requests.post(f"{root}/studies", data=body, headers={"Content-Type": f"{DICOM}; boundary=x"}, timeout=20)
    assert answer.status_code == status
    assert answer.text.count("\n") == 1


def test_a_body_that_ends_too_soon_keeps_only_what_was_whole(root: str, box: Box) -> None:
    whole, cut = brainix()[0].read_bytes(), brainix()[1].read_bytes()[:-1000]
    answer = post(f"{root}/studies", whole, cut, end=b"")
    assert answer.status_code == 400
    wait_for(lambda: box.storage.studies.count() == (1, 1), what="the whole one")
    assert not list((box.data_dir / "spool" / "tmp").rglob("*.dcm"))


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/related; type=application/dicom+json",
        "multipart/related; type=application/dicom",
        "text/plain",
        "multipart/form-data; boundary=x",
        "",
    ],
)
def test_what_is_not_taken_is_refused_with_what_is(root: str, kind: str) -> None:
    answer = requests.post(f"{root}/studies", data=b"--x--", headers={"Content-Type": kind}, timeout=20)
    assert answer.status_code == 415
    assert "application/dicom" in answer.text


def test_a_file_may_come_alone_and_a_part_without_its_type(root: str, box: Box) -> None:
    headers = {"Content-Type": "application/dicom"}
    answer = requests.post(f"{root}/studies", data=brainix()[0].read_bytes(), headers=headers, timeout=20)
    assert answer.status_code == 200
    body = b"preamble\r\n--x\r\n\r\n" + brainix()[1].read_bytes() + b"\r\n--x--\r\nepilogue"
    answer = requests.post(f"{root}/studies", data=body, headers={"Content-Type": f"{DICOM};boundary=x"}, timeout=20)
    assert answer.status_code == 200
    assert box.storage.studies.count() == (1, 2)
    assert post(f"{root}/studies", b"{}", kind="application/json").status_code == 409


def test_a_sender_that_leaves_midway_leaves_nothing(root: str, box: Box) -> None:
    place = urlsplit(root)
    head = f"POST {ROOT}/studies HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n"
    with socket.create_connection((place.hostname or "", place.port or 0)) as connection:
        connection.sendall(f"{head}Content-Type: {DICOM}; boundary=x\r\n\r\n--x\r\n\r\n".encode())
        connection.sendall(brainix()[0].read_bytes() + bytes(1 << 20))
        spool = box.spool("tests")
        wait_for(spool.drafts, what="the draft")
    wait_for(lambda: not spool.drafts(), what="the draft's end")
    assert box.storage.studies.count() == (0, 0)


def test_what_an_earlier_server_left_is_swept(box: Box) -> None:
    left = left_by_a_dead_process(box.spool("stow"), b"half")
    with opened(box):
        assert not left.exists()


def test_without_the_indexer_the_instances_are_safe_and_the_answer_says_accepted(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.dicomweb.store._PATIENCE", 0.05)
    with opened(box) as doors:
        answer = post(f"{doors.clinic}{ROOT}/studies", brainix()[0].read_bytes())
    assert answer.status_code == 202
    assert len(items(answer.json(), STORED)) == 1
    assert len(box.spool("stow").waiting()) == 1


def test_a_full_disk_is_told_and_leaves_nothing(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.spool.room.Room.free", lambda _self: 0)
    with opened(box) as doors:
        answer = post(f"{doors.clinic}{ROOT}/studies", brainix()[0].read_bytes())
    assert answer.status_code == 507
    (item,) = items(answer.json(), FAILED)
    assert item.FailureReason == 0xA700
    assert not list((box.data_dir / "spool").rglob("*.dcm"))


def test_the_file_says_from_where_it_came_even_through_a_proxy(box: Box) -> None:
    environment = {"PACSBOX_DATA_DIR": str(box.data_dir), "PACSBOX_WEB_CLINIC_PORT": "0"}
    environment |= {"PACSBOX_WEB_PUBLIC_PORT": "0", "PACSBOX_WEB_ADDRESS_HEADER": "X-Real-IP"}
    proxied = Box(load(environment=environment)[0])
    headers = {"X-Real-IP": "192.0.2.7", "Content-Type": "application/dicom"}
    headers["Authorization"] = f"Bearer {proxied.tokens.create('outside', ['store']).text}"
    with indexing(proxied), opened(proxied) as doors:
        url, file = f"{doors.clinic}{ROOT}/studies", brainix()[0].read_bytes()
        assert requests.post(url, data=file, headers=headers, timeout=20).status_code == 200
    (instance,) = proxied.storage.studies.instances(named(proxied, "BRAINIX"))
    with proxied.blobs.open(instance.blob_key) as kept:
        origin = part10.read(kept).origin
    proxied.close()
    assert origin is not None
    assert (origin.via, origin.address) == ("STOW-RS", "192.0.2.7")


def test_a_large_file_passes_through(root: str, box: Box, tmp_path: Path) -> None:
    dataset = pydicom.dcmread(next(PYDICOM.rglob("CT_small.dcm")))
    dataset.NumberOfFrames = 1000
    dataset.PixelData = bytes(128 * 128 * 2) * 1000
    path = tmp_path / "large.dcm"
    dataset.save_as(path)
    assert post(f"{root}/studies", path.read_bytes()).status_code == 200
    (instance,) = box.storage.studies.instances(dataset.StudyInstanceUID)
    assert data_set(box.blobs.path(instance.blob_key).read_bytes()) == data_set(path.read_bytes())
