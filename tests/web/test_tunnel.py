"""Both doors as the internet sees them: through a tunnel that cuts large requests and slow answers.

`PACSBOX_TUNNEL_ZIP_MB=2048` makes the share as large as a big cardiac study; by default it is smaller.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pydicom
import pytest
import requests
from aiohttp import web

from appliance.box import Box
from tests.support.clinic import ROOT, opened
from tests.support.files import PYDICOM, brainix
from tests.support.indexing import indexing, stock
from tests.support.tunnel import FIRST_BYTE, LARGEST, tunnel
from tests.support.waiting import wait_for
from web.dicomweb import store

ZIP_MB = int(os.environ.get("PACSBOX_TUNNEL_ZIP_MB", "192"))
_ONE_MB = 64
_SCALED = 1 << 20
"""Bytes of a request that the scaled tunnel takes."""
_SOON = 10.0
"""Seconds that it waits for an answer to begin."""
DICOM = {"Content-Type": "application/dicom"}


def large(folder: Path, megabytes: int) -> list[Path]:
    """A study of instances of 64 MB."""
    dataset = pydicom.dcmread(PYDICOM / "test_files" / "CT_small.dcm")
    dataset.NumberOfFrames = _ONE_MB << 20 >> 15
    dataset.PixelData = bytes(_ONE_MB << 20)
    paths = []
    for number in range(megabytes // _ONE_MB):
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.77.{number}"
        paths.append(folder / f"{number}.dcm")
        dataset.save_as(paths[-1])
    return paths


@pytest.fixture
def patient(box: Box) -> Iterator[tuple[requests.Session, str, str]]:
    """A browser in front of the tunnel, the link of the newest study there, and its PIN."""
    new = box.sharing.create(box.storage.studies.search("", 1)[0].study_instance_uid)
    with opened(box) as doors, tunnel(doors.public, first_byte=_SOON) as edge, requests.Session() as browser:
        yield browser, edge + urlsplit(new.link).path, new.pin


@pytest.fixture
def small(box: Box) -> None:
    stock(box, *brainix()[:3])


@pytest.fixture
def big(box: Box, tmp_path: Path) -> None:
    for path in large(tmp_path, ZIP_MB):
        stock(box, path)
        path.unlink()


def test_a_patient_opens_her_images(small: None, patient: tuple[requests.Session, str, str]) -> None:
    browser, link, pin = patient
    assert "form" in browser.get(link, timeout=20).text
    page = browser.post(link, data={"pin": pin}, timeout=20)
    assert page.status_code == 200
    place = page.text.partition(f"{urlsplit(link).path}/i/")[2][:16]
    picture = browser.get(f"{link}/i/{place}/1.jpg", timeout=60)
    assert picture.content.startswith(b"\xff\xd8")
    (study,) = browser.get(f"{link}/dicom-web/studies", timeout=20).json()
    assert study["00080061"]["Value"] == ["MR"]


@pytest.mark.timeout(300)
def test_a_large_share_comes_as_a_zip_that_begins_at_once(
    big: None, patient: tuple[requests.Session, str, str]
) -> None:
    browser, link, pin = patient
    browser.post(link, data={"pin": pin}, timeout=20)
    size, end = 0, b""
    with browser.get(f"{link}/images.zip", timeout=60, stream=True) as answer:
        assert answer.status_code == 200
        for chunk in answer.iter_content(1 << 20):
            size += len(chunk)
            end = (end + chunk)[-64:]
        assert size > (ZIP_MB // _ONE_MB * _ONE_MB) << 20
        assert size == int(answer.headers.get("Content-Length", size))
    assert b"PK\5\6" in end


@pytest.fixture
def clinic(box: Box) -> Iterator[str]:
    """The clinic door's DICOMweb through a scaled tunnel: who has a token may have it so."""
    with indexing(box), opened(box) as doors, tunnel(doors.clinic, _SCALED, _SOON) as edge:
        yield edge + ROOT


@pytest.fixture
def token(box: Box) -> dict[str, str]:
    return {"Authorization": f"Bearer {box.tokens.create('outside', ['store', 'query']).text}"}


def test_nobody_comes_through_the_tunnel_without_a_token(clinic: str) -> None:
    assert requests.get(f"{clinic}/studies", timeout=20).status_code == 401
    assert requests.post(f"{clinic}/studies", data=b"", headers=DICOM, timeout=20).status_code == 401


def test_instances_come_in_that_are_smaller_than_the_tunnel_takes(clinic: str, token: dict[str, str], box: Box) -> None:
    for path in brainix()[:2]:
        answer = requests.post(f"{clinic}/studies", data=path.read_bytes(), headers=DICOM | token, timeout=60)
        assert answer.status_code == 200, answer.text
    assert box.storage.studies.count() == (1, 2)


@pytest.mark.parametrize("length_known", [True, False])
def test_what_the_tunnel_cuts_leaves_only_what_was_whole(
    clinic: str, token: dict[str, str], box: Box, length_known: bool
) -> None:
    kind = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=x'}
    parts = [b"--x\r\n\r\n" + brainix()[0].read_bytes(), b"\r\n--x\r\n\r\n" + brainix()[1].read_bytes(), bytes(2 << 20)]
    body: Any = b"".join(parts) if length_known else iter(parts)
    answer = requests.post(f"{clinic}/studies", data=body, headers=kind | token, timeout=60)
    assert answer.status_code == 413
    spool = box.spool("tests")
    wait_for(lambda: not spool.drafts(), what="the draft's end")
    wait_for(lambda: not spool.waiting(), what="the indexer")
    assert box.storage.studies.count()[1] <= (0 if length_known else 1)


def test_an_answer_begins_long_before_the_tunnel_gives_up() -> None:
    assert store._PATIENCE * 5 < FIRST_BYTE
    assert LARGEST == 100 << 20


def test_the_stand_in_gives_up_on_what_does_not_begin() -> None:
    async def never(_request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.Event().wait()
        return web.Response()

    async def silent() -> int:
        runner = web.ServerRunner(web.Server(never), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        with tunnel(f"http://127.0.0.1:{runner.addresses[0][1]}", first_byte=0.2) as edge:
            answer = await asyncio.to_thread(requests.get, edge, timeout=20)
        await runner.cleanup()
        return answer.status_code

    assert asyncio.run(silent()) == 524
