"""One study's whole journey, with the real thing at every station.

dcmtk sends -> the console shows -> the front desk shares -> a phone opens, looks, downloads -> the study goes to
a peer -> the front desk revokes, and the open page gets no further picture.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.async_api import Page, async_playwright
from pydicom import dcmread
from pydicom.pixels import apply_modality_lut, apply_voi_lut
from textual.pilot import Pilot

from appliance.shares.sharing import NewShare
from appliance.storage.rows import TransferState
from tests.support.boxes import RunningBox
from tests.support.files import brainix, knee
from tests.support.programs import free_port, program
from tests.support.waiting import wait_for
from tui.app import PacsboxApp
from tui.screens.qr import QRScreen
from tui.screens.worklist import WorklistScreen

_PHONE = {"width": 390, "height": 844}
_CHROMIUM = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking".split()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningBox]:
    box = RunningBox(tmp_path / "box").start()
    yield box
    box.stop()


async def until(condition: Callable[[], Any], seconds: float = 20.0, what: str = "") -> Any:
    """Wait without holding up the event loop."""
    end = asyncio.get_running_loop().time() + seconds
    while not (answer := condition()):
        assert asyncio.get_running_loop().time() < end, f"waited {seconds} s in vain for {what or condition}"
        await asyncio.sleep(0.02)
    return answer


async def storescu(port: int, files: list[Path]) -> None:
    process = await asyncio.create_subprocess_exec(
        *(program("storescu"), "-xw" if "knee" in str(files[0]) else "-R", "-aec", "PACSBOX"),
        *("127.0.0.1", str(port), *map(str, files)),
        env=os.environ | {"TCP_NODELAY": "1"},
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert await process.wait() == 0


def shown(app: PacsboxApp) -> str:
    """The screen as text."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


@asynccontextmanager
async def phone() -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program("chromium"), args=_CHROMIUM)
        context = await browser.new_context(viewport=_PHONE, has_touch=True, is_mobile=True, accept_downloads=True)  # type: ignore[arg-type]
        yield await context.new_page()
        await browser.close()


def expected_picture(box: RunningBox, study_uid: str) -> np.ndarray[Any, Any]:
    """The middle image of the study's first series, as pydicom renders it."""
    storage = box.box.storage.studies
    series = storage.instances(study_uid, storage.series(study_uid)[0].series_instance_uid)
    dataset = dcmread(box.box.blobs.path(series[(len(series) - 1) // 2].blob_key))
    values = np.asarray(apply_voi_lut(apply_modality_lut(dataset.pixel_array, dataset), dataset), float)
    return (values - values.min()) / (values.max() - values.min()) * 255


async def picture(page: Page, url: str) -> np.ndarray[Any, Any]:
    """A picture of the page, asked for with the page's own session."""
    answer = await page.request.get(url)
    assert answer.status == 200
    return np.asarray(Image.open(io.BytesIO(await answer.body())).convert("L"), float)


async def look_at_pictures(page: Page, box: RunningBox, new: NewShare) -> None:
    """Wrong PIN, right PIN, then pictures that are not black and equal pydicom's."""
    await page.goto(new.link)
    await page.fill("#pin", "135790" if new.pin != "135790" else "246801")
    await page.click("button[type=submit]")
    await page.locator("#wrong").wait_for()
    await page.fill("#pin", new.pin)
    await page.click("button[type=submit]")
    await page.locator("#stage img").first.wait_for()
    while not await page.evaluate("document.querySelector('#stage img').naturalWidth > 100"):
        await asyncio.sleep(0.02)  # bounded by the test's own time limit
    source = await page.locator("#stage img").first.get_attribute("src")
    drawn = await picture(page, f"{box.box.config.public_url}{source}")
    expected = expected_picture(box, new.share.study_instance_uid)
    assert drawn.shape == expected.shape
    assert drawn.max() > 100
    assert np.abs(drawn - expected).mean() < 4  # JPEG is in between


async def download(page: Page) -> list[str]:
    """The digests of all files in the zip that "download everything" gives."""
    async with page.expect_download() as started:
        await page.click("#download")
    path = await (await started.value).path()
    with zipfile.ZipFile(path) as bundle:
        assert bundle.testzip() is None
        names = [name for name in bundle.namelist() if name.upper().endswith(".DCM")]
        return sorted(hashlib.sha256(bundle.read(name)).hexdigest() for name in names)


def archived(box: RunningBox, study_uid: str) -> list[str]:
    rows = box.box.storage.studies.instances(study_uid)
    return sorted(hashlib.sha256(box.box.blobs.path(row.blob_key).read_bytes()).hexdigest() for row in rows)


async def share(pilot: Pilot[None], app: PacsboxApp) -> NewShare:
    """Three letters, Enter, s, Enter: the QR screen."""
    await pilot.press("k", "n", "e")
    await until(lambda: "1 study" in shown(app) or "BRAINIX" not in shown(app).upper(), what="the search")
    await pilot.press("enter", "s")
    await until(lambda: "Share with the patient" in shown(app), what="the share dialog")
    await pilot.press("enter")
    await until(lambda: isinstance(app.screen, QRScreen), what="the QR code")
    await pilot.pause()
    screen = app.screen
    assert isinstance(screen, QRScreen)
    return screen.new


async def send(pilot: Pilot[None], app: PacsboxApp, box: RunningBox) -> None:
    await pilot.press("t")
    await until(lambda: "CLINIC-B" in shown(app), what="the peers")
    await pilot.press("enter")
    await until(lambda: box.box.transfers.all()[:1], what="the transfer")
    await until(lambda: box.box.transfers.all()[0].state.is_over, 40, "the transfer to end")
    transfer = box.box.transfers.all()[0]
    assert (transfer.state, transfer.sent) == (TransferState.DONE, 50), transfer
    await pilot.press("escape")


@asynccontextmanager
async def peer(folder: Path, port: int) -> AsyncIterator[None]:
    folder.mkdir()
    process = await asyncio.create_subprocess_exec(
        program("storescp"), "+xa", "-od", str(folder), str(port), env=os.environ | {"TCP_NODELAY": "1"}
    )
    yield
    process.terminate()
    await process.wait()


def same_data_sets(received: Path, box: RunningBox, study_uid: str) -> None:
    by_uid = {dataset.SOPInstanceUID: dataset for dataset in map(dcmread, received.iterdir())}
    rows = box.box.storage.studies.instances(study_uid)
    assert len(by_uid) == len(rows)
    for row in rows:
        assert by_uid[row.sop_instance_uid] == dcmread(box.box.blobs.path(row.blob_key))


async def revoke(pilot: Pilot[None], app: PacsboxApp) -> None:
    await pilot.press("f2")
    await until(lambda: "active" in shown(app).lower(), what="the shares")
    await pilot.press("x")
    await until(lambda: "Enter" in shown(app) and "Leave it as it is" in shown(app), what="the question")
    await pilot.press("enter")
    await until(lambda: "revoked" in shown(app).lower(), what="the share to end")


async def test_the_whole_journey(running: RunningBox, tmp_path: Path) -> None:
    port = free_port()
    running.box.peers.add("CLINIC-B", "CLINIC-B", "127.0.0.1", port)
    app = PacsboxApp(running.box)
    async with peer(tmp_path / "peer", port), app.run_test(size=(80, 24)) as pilot, phone() as page:
        await until(lambda: isinstance(app.screen, WorklistScreen))
        await storescu(running.dicom_port, brainix())
        await until(lambda: "BRAINIX" in shown(app).upper(), what="the first study")
        await storescu(running.dicom_port, knee())
        await until(lambda: "KNEE" in shown(app) and " 50" in shown(app) and " 44" in shown(app), what="all images")

        new = await share(pilot, app)
        assert new.pin
        await look_at_pictures(page, running, new)
        assert await download(page) == archived(running, new.share.study_instance_uid)
        assert len(archived(running, new.share.study_instance_uid)) == 50

        await pilot.press("escape")
        await send(pilot, app, running)
        same_data_sets(tmp_path / "peer", running, new.share.study_instance_uid)

        await revoke(pilot, app)
        source = await page.locator("#stage img").first.get_attribute("src")
        answer = await page.request.get(f"{running.box.config.public_url}{source}")
        assert answer.status in (404, 410)
        await page.reload()
        assert "KNEE" not in await page.content()
    what = {opening.what for opening in running.box.sharing.openings(new.share.id)}
    assert {"wrong pin", "opened"} <= what
    wait_for(running.is_drained)
