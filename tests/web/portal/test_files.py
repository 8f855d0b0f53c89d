"""What is opened or taken along as it is: documents, films, everything as a zip."""

from __future__ import annotations

import asyncio
import hashlib
import os
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import pytest
from aiohttp import ClientError
from pydicom import dcmread
from pydicom.dataset import Dataset

from appliance.box import Box
from tests.conftest import Fill
from tests.support.files import knee
from tests.support.files import shared as shared_file
from tests.support.pictures import write
from tests.web.portal.conftest import Client, Enter, Link, Names, Shared
from web.portal import files

MP4 = b"\0\0\0\x18ftypisom" + bytes(range(256)) * 40


@pytest.fixture
def film(tmp_path: Path, fill: Fill, shared: Shared) -> Link:
    """A link to a study of one film."""
    dataset = Dataset()
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.77.1.1.1"
    dataset.SOPInstanceUID, dataset.SeriesInstanceUID, dataset.StudyInstanceUID = "1.2.3", "1.2.4", "1.2.5"
    dataset.Modality, dataset.NumberOfFrames, dataset.Rows, dataset.Columns = "ES", 3, 64, 64
    dataset.PixelData = b"\xfe\xff\x00\xe0" + bytes(4) + b"\xfe\xff\x00\xe0" + len(MP4).to_bytes(4, "little") + MP4
    dataset.PixelData += b"\xfe\xff\xdd\xe0" + bytes(4)
    fill([write(tmp_path / "film.dcm", dataset, "1.2.840.10008.1.2.4.102")])
    return shared()


async def test_a_report_opens_as_the_pdf_that_was_sent(
    client: Client, fill: Fill, shared: Shared, enter: Enter, names: Names, box: Box
) -> None:
    fill([shared_file("odd", "sample-pdf.dcm")])
    link = shared()
    await enter(client, link)
    page = await (await client.get(link.path)).text()
    assert f'href="{link.path}/i/{names(link)[0]}/document"' in page
    async with client.get(f"{link.path}/i/{names(link)[0]}/document") as answer:
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.headers["Content-Disposition"] == 'inline; filename="document.pdf"'
        assert answer.headers["Cache-Control"] == "no-store"
        body = await answer.read()
    assert body.startswith(b"%PDF-")
    assert len(body) == int(answer.headers["Content-Length"])
    assert box.sharing.openings(link.id)[0].what == "document"


async def test_a_document_that_browsers_might_run_is_only_downloaded(
    client: Client, fill: Fill, shared: Shared, enter: Enter, names: Names, tmp_path: Path
) -> None:
    model = dcmread(shared_file("odd", "Issue137.dcm"))
    model.EncapsulatedDocument = b"solid knee\nendsolid"
    model.save_as(tmp_path / "model.dcm")
    fill([tmp_path / "model.dcm"])
    link = shared()
    await enter(client, link)
    page = await (await client.get(link.path)).text()
    assert ">Download</a>" in page
    assert ">Open</a>" not in page
    async with client.get(f"{link.path}/i/{names(link)[0]}/document") as answer:
        assert answer.headers["Content-Type"] == "model/stl"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="document.stl"'
        assert "sandbox" in answer.headers["Content-Security-Policy"]


async def test_a_film_comes_whole_or_in_ranges_as_players_ask(
    client: Client, film: Link, enter: Enter, names: Names, box: Box
) -> None:
    await enter(client, film)
    path = f"{film.path}/i/{names(film)[0]}/film"
    async with client.get(path) as answer:
        assert (answer.status, await answer.read()) == (200, MP4)
        assert answer.headers["Content-Type"] == "video/mp4"
        assert answer.headers["Accept-Ranges"] == "bytes"
    for asked, start, stop in (("bytes=0-1", 0, 2), ("bytes=100-", 100, None), ("bytes=-50", -50, None)):
        async with client.get(path, headers={"Range": asked}) as answer:
            assert answer.status == 206
            assert await answer.read() == MP4[start:stop]
    assert answer.headers["Content-Range"] == f"bytes {len(MP4) - 50}-{len(MP4) - 1}/{len(MP4)}"
    async with client.get(path, headers={"Range": f"bytes={len(MP4)}-"}) as answer:
        assert answer.status == 416
    async with client.get(path, headers={"Range": "pages=1"}) as answer:
        assert answer.status == 200
        tag, date = answer.headers["ETag"], answer.headers["Last-Modified"]
    for said, status in ((tag, 206), (date, 206), ('"other"', 200), ("Mon, 06 Nov 2094 08:49:37 GMT", 200)):
        async with client.get(path, headers={"Range": "bytes=0-1", "If-Range": said}) as answer:
            assert (answer.status, await answer.read()) == (status, MP4[:2] if status == 206 else MP4)
    for known in ({"If-None-Match": tag}, {"If-Modified-Since": date}):
        async with client.get(path, headers=known) as answer:
            assert (answer.status, answer.headers["ETag"], answer.headers["Cache-Control"]) == (304, tag, "no-store")
    assert [one.what for one in box.sharing.openings(film.id)] == ["film", "opened"]


async def test_the_zip_holds_every_file_of_the_study_byte_for_byte(
    client: Client, fill: Fill, shared: Shared, enter: Enter, box: Box
) -> None:
    fill(knee())
    link = shared()
    await enter(client, link)
    async with client.get(f"{link.path}/images.zip") as answer:
        assert answer.headers["Content-Disposition"] == 'attachment; filename="images.zip"'
        body = await answer.read()
    with ZipFile(BytesIO(body)) as archive:
        assert archive.testzip() is None
        assert {entry.compress_type for entry in archive.infolist()} == {ZIP_STORED}
        got = {name: archive.read(name) for name in archive.namelist()}
    instances = box.storage.studies.instances(link.new.share.study_instance_uid)
    kept = [box.blobs.path(one.blob_key).read_bytes() for one in instances]
    assert list(map(_digest, got.values())) == list(map(_digest, kept))
    assert list(got)[:1] + list(got)[-1:] == ["SERIES01/IM00001.dcm", "SERIES02/IM00026.dcm"]
    assert "KNEE" not in "".join(got)
    assert (box.sharing.openings(link.id)[0].what, box.sharing.openings(link.id)[0].detail) == ("download", "50 files")


async def test_a_file_that_has_gone_is_told_in_words_and_in_the_log(
    client: Client, link: Link, enter: Enter, box: Box, names: Names, caplog: pytest.LogCaptureFixture
) -> None:
    await enter(client, link)
    instance = box.storage.studies.instances(link.new.share.study_instance_uid)[0]
    box.blobs.path(instance.blob_key).unlink()
    for path in ("images.zip", f"i/{names(link)[0]}/1.jpg"):
        caplog.clear()
        async with client.get(f"{link.path}/{path}") as answer:
            assert answer.status == 500
            assert "please tell the clinic" in await answer.text()
        assert f"The archive's file {instance.blob_key} is missing." in caplog.text
        assert "CompressedSamples" not in caplog.text


async def test_the_zip_goes_without_files_that_are_missing_or_cut_short_and_says_so(
    client: Client, fill: Fill, shared: Shared, enter: Enter, box: Box, caplog: pytest.LogCaptureFixture
) -> None:
    fill(knee())
    link = shared()
    await enter(client, link)
    gone, short, *_ = box.storage.studies.instances(link.new.share.study_instance_uid)
    box.blobs.remove(gone.blob_key)
    path = box.blobs.path(short.blob_key)
    path.chmod(0o600)
    os.truncate(path, short.size - 1)
    async with client.get(f"{link.path}/images.zip") as answer:
        body = await answer.read()
    with ZipFile(BytesIO(body)) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == 49
        assert archive.read("NOTE.TXT").startswith(b"2 of 50 files are missing here")
    assert box.sharing.openings(link.id)[0].detail == "48 files, 2 missing"
    for key in (gone.blob_key, short.blob_key):
        assert key in caplog.text


async def test_revoking_cuts_a_download_that_is_under_way(
    client: Client, fill: Fill, shared: Shared, enter: Enter, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(knee())
    link = shared()
    await enter(client, link)
    endless = (b"x" * 262144 for _ in iter(int, 1))
    monkeypatch.setattr(files, "zipped", lambda _files, _note: endless)
    async with client.get(f"{link.path}/images.zip") as answer:
        await answer.content.readexactly(1 << 20)
        await asyncio.to_thread(_revoke, box, link.id)
        with pytest.raises(ClientError):
            await answer.read()


def _revoke(box: Box, number: int) -> None:
    box.sharing.revoke(number)
    box.close()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
