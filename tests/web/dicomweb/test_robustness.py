"""Faults midway and beneath: the answer is of use, or says what is wrong; never half taken for whole."""

from __future__ import annotations

import asyncio
import errno
import http.client
import os
import socket
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import pydicom
import pytest
import requests
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request
from blockbuster import blockbuster_ctx
from pydicom.uid import ImplicitVRLittleEndian

from appliance.box import Box
from tests.support.clinic import ROOT, filled, opened
from tests.support.files import PYDICOM, brainix, knee
from tests.support.indexing import stock
from web import archived
from web.app import clinic_app
from web.dicomweb.routes import ROUTES
from web.rendering import Renderer

PATHS = [path for path, _, _ in ROUTES]


@pytest.mark.parametrize(
    "target",
    [
        "/studies?PatientName=%FF%FE",
        "/studies?PatientName=%00",
        "/studies?%",
        "/studies?PatientName=%ud800",
        "/studies?=&&&==",
        "/studies?PatientName=" + "*a" * 500,
        "/studies?StudyInstanceUID=" + ",".join(["1.2.3"] * 1000),
        "/studies/%2e%2e/series",
        "/studies/1.2%2f..%2f3/series",
        "/studies/1.2%00/series",
        "/studies/%D9%A1.%D9%A2/metadata",
        "/studies/1.2/series/1.3/instances/../../../../../etc/passwd",
    ],
)
def test_raw_oddities_get_a_plain_answer(clinic: str, target: str) -> None:
    place = urlsplit(clinic)
    connection = http.client.HTTPConnection(place.netloc, timeout=10)
    connection.putrequest("GET", ROOT + target, skip_accept_encoding=True)
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status in (200, 400, 404)
    connection.close()


def test_a_file_that_cannot_be_decompressed_comes_as_it_is_stored(box: Box) -> None:
    whole = knee()[0].read_bytes()
    damaged = whole.replace(b"\xff\x4f\xff\x51", b"\0\0\0\0")
    assert damaged != whole
    path = box.data_dir / "damaged.dcm"
    path.write_bytes(damaged)
    stock(box, path)
    (instance,) = box.storage.studies.instances(next(box.storage.studies.study_uids()))
    with opened(box) as doors:
        url = (
            f"{doors.clinic}{ROOT}/studies/{instance.study_instance_uid}/series/{instance.series_instance_uid}"
            f"/instances/{instance.sop_instance_uid}"
        )
        stored = box.blobs.path(instance.blob_key).read_bytes()
        answer = requests.get(url, headers={"Accept": "application/dicom"}, timeout=20)
        assert answer.content == stored
        assert answer.headers["Content-Type"].endswith(instance.transfer_syntax_uid)
        assert stored in requests.get(url, timeout=20).content
        insisting = {"Accept": "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"}
        assert requests.get(url, headers=insisting, timeout=20).status_code == 406


def implicit(path: Path, megabytes: int, after: bytes = b"") -> bytes:
    """A file without VRs, with so many megabytes of pixels and then `after`; its pixels."""
    dataset = pydicom.dcmread(PYDICOM / "test_files" / "CT_small.dcm")
    dataset.NumberOfFrames = megabytes << 20 >> 15
    dataset.PixelData = bytes(range(256)) * (megabytes << 12)
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    dataset.save_as(path)
    with path.open("ab") as file:
        file.write(after)
    return bytes(dataset.PixelData)


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_self: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("tempfile.SpooledTemporaryFile.rollover", full)


def test_a_file_is_reencoded_on_its_way_out_even_when_the_disk_is_full(full_disk: None, box: Box) -> None:
    pixels = implicit(box.data_dir / "large.dcm", 16)
    stock(box, box.data_dir / "large.dcm")
    (study,) = box.storage.studies.study_uids()
    with opened(box) as doors:
        alone = {"Accept": "application/dicom"}
        (instance,) = box.storage.studies.instances(study)
        url = f"{doors.clinic}{ROOT}/studies/{study}/series/{instance.series_instance_uid}/instances"
        answer = requests.get(f"{url}/{instance.sop_instance_uid}", headers=alone, timeout=20)
    assert answer.headers["Content-Type"].endswith("=1.2.840.10008.1.2.1")
    dataset = pydicom.dcmread(BytesIO(answer.content))
    assert dataset.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert dataset.PixelData == pixels


def test_a_file_that_is_damaged_behind_its_pixels_comes_whole_as_it_is_stored(box: Box) -> None:
    implicit(box.data_dir / "damaged.dcm", 16, after=b"\xfc\xff\xfc\xff\xff\0\0\0ab")
    stock(box, box.data_dir / "damaged.dcm")
    (study,) = box.storage.studies.study_uids()
    (instance,) = box.storage.studies.instances(study)
    with opened(box) as doors:
        answer = requests.get(f"{doors.clinic}{ROOT}/studies/{study}", timeout=20)
    assert box.blobs.path(instance.blob_key).read_bytes() in answer.content


@pytest.mark.parametrize("fault", ["missing", "short", "long"])
def test_a_file_that_is_not_as_the_index_says_is_told_in_words_and_in_the_log(
    box: Box, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    stock(box, *brainix()[:2])
    instance = box.storage.studies.instances(next(box.storage.studies.study_uids()))[-1]
    path = box.blobs.path(instance.blob_key)
    path.chmod(0o600)
    if fault == "missing":
        path.unlink()
    else:
        os.truncate(path, instance.size + (1 if fault == "long" else -1))
    study = f"{ROOT}/studies/{instance.study_instance_uid}"
    one = f"{study}/series/{instance.series_instance_uid}/instances/{instance.sop_instance_uid}"
    with opened(box) as doors:
        for url in (study, one, f"{one}/frames/1", f"{one}/rendered", f"{one}/bulkdata/7FE00010"):
            caplog.clear()
            answer = requests.get(doors.clinic + url, timeout=20)
            assert answer.status_code == 500
            assert answer.text.startswith(f"The archive's file {instance.blob_key} ")
            assert [record.levelname for record in caplog.records if instance.blob_key in record.message] == ["ERROR"]


def test_a_file_that_is_gone_midway_cuts_the_answer(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archived, "names", lambda blobs, filed: [str(box.blobs.root / one.blob_key) for one in filed])
    stock(box, *brainix()[:3])
    instances = box.storage.studies.instances(next(box.storage.studies.study_uids()))
    box.blobs.remove(instances[-1].blob_key)
    with opened(box) as doors:
        url = f"{doors.clinic}{ROOT}/studies/{instances[0].study_instance_uid}"
        for syntax in ("*", "1.2.840.10008.1.2.1"):
            accept = {"Accept": f'multipart/related; type="application/dicom"; transfer-syntax={syntax}'}
            with pytest.raises(requests.RequestException):
                requests.get(url, headers=accept, timeout=20)


def test_a_reader_that_leaves_midway_takes_nothing_with_it(box: Box) -> None:
    stock(box, *brainix())
    (study,) = box.storage.studies.study_uids()
    with opened(box) as doors:
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", urlsplit(doors.clinic).port or 0)) as connection:
                request = f"GET {ROOT}/studies/{study} HTTP/1.1\r\nHost: localhost\r\n\r\n"
                connection.sendall(request.encode())
                connection.recv(1000)
        whole = requests.get(f"{doors.clinic}{ROOT}/studies/{study}", timeout=20)
        assert len(whole.content) == int(whole.headers["Content-Length"])


def test_an_index_that_cannot_be_used_is_said_so(box: Box) -> None:
    stock(box, brainix()[0])
    box.close()
    for path in box.index_path.parent.iterdir():
        path.unlink()
    box.index_path.write_bytes(b"this is no index" * 1000)
    with opened(box) as doors:
        answer = requests.get(f"{doors.clinic}{ROOT}/studies", timeout=20)
        assert answer.status_code == 503
        assert answer.text.count("\n") == 1


@pytest.fixture
async def client(box: Box, renderer: Renderer) -> AsyncIterator[TestClient[Request, Application]]:
    stock(box, *brainix()[:5], *knee()[:2])
    async with TestClient(TestServer(clinic_app(box, renderer))) as client:
        yield client


async def test_nothing_blocks_the_event_loop(client: TestClient[Request, Application], box: Box) -> None:
    study = next(box.storage.studies.study_uids())
    instance = box.storage.studies.instances(study)[0]
    uids = {"study": study, "series": instance.series_instance_uid, "instance": instance.sop_instance_uid}
    with blockbuster_ctx("web"):
        for path in PATHS:
            answer = await client.get(ROOT + filled(path, **uids))
            assert answer.status == 200, await answer.text()
            await answer.read()


async def test_many_at_once_are_all_answered(client: TestClient[Request, Application], box: Box) -> None:
    (study, *_) = box.storage.studies.study_uids()
    urls = [f"{ROOT}/studies/{study}", f"{ROOT}/studies/{study}/metadata", f"{ROOT}/studies", f"{ROOT}/instances"] * 10

    async def get(url: str) -> bytes:
        async with client.get(url, headers={"Accept": "*/*;q=0.9, application/dicom+json"}) as answer:
            assert answer.status == 200
            return await answer.read()

    answers = await asyncio.gather(*map(get, urls))
    assert len({len(answer) for answer in answers[1::4]}) == 1
