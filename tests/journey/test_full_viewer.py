"""The full viewer in a real browser: at the clinic door with the list of studies, and in patients' shares."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, expect, sync_playwright

from appliance.box import Box
from appliance.config import load
from appliance.shares.sharing import NewShare
from tests.support.clinic import named, one_study, opened
from tests.support.files import PYDICOM, knee, shared
from tests.support.indexing import stock
from tests.support.programs import free_port, program
from tests.support.reports import COMPREHENSIVE
from tests.support.tunnel import tunnel
from tests.support.viewer import needed
from tests.support.waiting import wait_for
from web.serve import Doors

ARGUMENTS = (
    "--no-sandbox --disable-quic --no-first-run --disable-background-networking --disable-component-update"
    " --disable-sync --use-gl=angle --use-angle=swiftshader --enable-unsafe-swiftshader --ignore-gpu-blocklist"
).split()
PATIENCE = 60_000
MIDDLE = {"x": 450.0, "y": 150.0, "width": 640.0, "height": 500.0}
"""Of the picture, between all text, in a window of 1280 x 800."""
RETIRED = ("1.2.840.10008.1.2.4.53", "1.2.840.10008.1.2.4.55")
"""JPEG that no browser's codec reads; the patient's page shows it, drawn by the box."""
TOTALS = {"MR in JPEG 2000": 4, "CT slices": 3, "US that moves": 30}
STUDY = "1.2.999"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    needed()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program("chromium"), args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def box(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box with one study that has a series of each kind, and another study."""
    folder = tmp_path_factory.mktemp("box")
    environment = {
        "PACSBOX_DATA_DIR": str(folder),
        "PACSBOX_WEB_PUBLIC_PORT": str(free_port()),
        "PACSBOX_WEB_CLINIC_PORT": "0",
    }
    made = Box(load(environment=environment)[0])
    encoded = [path for path in one_study(folder) if pydicom.dcmread(path).file_meta.TransferSyntaxUID not in RETIRED]
    kinds: dict[str, list[Path]] = {
        "Encodings": encoded,
        "MR in JPEG 2000": knee()[:4],
        "CT slices": slices(folder),
        "US that moves": [PYDICOM / "test_files" / "examples_ybr_color.dcm"],
        "Document": [shared("odd", "sample-pdf.dcm")],
        "Report": [COMPREHENSIVE],
    }
    for number, (name, paths) in enumerate(kinds.items(), 1):
        stock(made, *(series(path, folder, name, number) for path in paths))
    stock(made, knee()[-1])
    yield made
    made.close()


def series(path: Path, folder: Path, name: str, number: int) -> Path:
    """The file as part of a series of the one study."""
    dataset = pydicom.dcmread(path)
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = "ALL^KINDS", "1", ""
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = STUDY, f"{STUDY}.{number}"
    dataset.SeriesNumber, dataset.SeriesDescription, dataset.StudyDescription = number, name, "One of each"
    copy = folder / f"{number}-{path.name}"
    dataset.save_as(copy)
    return copy


def slices(folder: Path) -> list[Path]:
    """Three slices of CT, the picture moved on from each to the next."""
    paths = []
    for number in range(3):
        dataset = pydicom.dcmread(PYDICOM / "test_files" / "CT_small.dcm")
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.998.{number}"
        dataset.InstanceNumber, dataset.ImagePositionPatient = number + 1, [0, 0, 5 * number]
        dataset.PixelData = np.roll(dataset.pixel_array, 20 * number, axis=0).tobytes()
        paths.append(folder / f"slice-{number}.dcm")
        dataset.save_as(paths[-1])
    return paths


@pytest.fixture(scope="module")
def doors(box: Box) -> Iterator[Doors]:
    with opened(box) as found:
        yield found


class Desk:
    """A desktop's browser at one door, and all that it asks for."""

    def __init__(self, context: BrowserContext) -> None:
        self.asked: list[str] = []
        self.faults: list[str] = []
        self.provoked = False
        """Whether a test asks for what it must not get: from then on faults, which may be told late, are no wonder."""
        context.on("request", lambda request: self.asked.append(request.url))
        context.on("weberror", lambda fault: self._fault(str(fault.error)))
        context.on("console", self._said)
        context.set_default_timeout(PATIENCE)
        self.page = context.new_page()

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._fault(f"{message.text} ({message.location['url']})")

    def _fault(self, told: str) -> None:
        if not self.provoked:
            self.faults.append(told)

    def picture(self) -> NDArray[np.int64]:
        """What is on the screen, in the middle."""
        png = self.page.screenshot(clip=MIDDLE)  # type: ignore[arg-type]
        return np.asarray(Image.open(BytesIO(png)).convert("L")).astype(int)

    def choose(self, name: str) -> None:
        """The series of this name."""
        self.page.get_by_text(name, exact=True).first.dblclick()

    def drawn(self, number: int, total: int) -> NDArray[np.int64]:
        """The picture of this number, once it is there."""
        expect(self.page.get_by_text(f"({number}/{total})").first).to_be_visible(timeout=PATIENCE)
        return wait_for(self._something, PATIENCE / 1000, "a picture")[0]

    def another(self, before: NDArray[np.int64]) -> NDArray[np.int64]:
        """The picture on the screen, once it is not the one before."""

        def changed() -> list[NDArray[np.int64]]:
            picture = self.picture()
            return [picture] if np.abs(picture - before).mean() > 0.5 else []

        return wait_for(changed, PATIENCE / 1000, "another picture")[0]

    def _something(self) -> list[NDArray[np.int64]]:
        picture = self.picture()
        return [picture] if picture.std() > 10 else []

    def scroll(self, number: int, total: int) -> NDArray[np.int64]:
        """On to the picture of this number, the next."""
        self.page.locator(".viewport-element").first.hover()
        self.page.mouse.wheel(0, 100)
        return self.drawn(number, total)


@contextmanager
def desk(browser: Browser, origin: str) -> Iterator[Desk]:
    """No request leaves the box, nothing fails and nothing is against the policy."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    made = Desk(context)
    yield made
    context.close()
    assert made.asked
    ours = (origin + "/", f"blob:{origin}/", "data:", "chrome:", "chrome-extension:")
    assert [url for url in made.asked if not url.startswith(ours)] == []
    assert made.faults == []


@pytest.fixture(scope="module")
def staff(browser: Browser, doors: Doors) -> Iterator[Desk]:
    """Opened on the study from the list of studies."""
    with desk(browser, doors.clinic) as made:
        made.page.goto(doors.clinic + "/ohif")
        made.page.get_by_text("One of each").first.dblclick()
        made.drawn(1, 13)
        yield made


@pytest.fixture(scope="module")
def share(box: Box) -> NewShare:
    return box.sharing.create(STUDY)


@pytest.fixture(scope="module")
def patient(browser: Browser, doors: Doors, share: NewShare) -> Iterator[Desk]:
    """Opened on the study from the page of images, once the PIN is given."""
    with desk(browser, doors.public) as made:
        made.page.goto(share.link)
        made.page.get_by_label("PIN").fill(share.pin)
        made.page.get_by_role("button", name="Show my images").click()
        made.page.get_by_role("link", name="Open the full viewer").click()
        made.drawn(1, 13)
        yield made


@pytest.fixture(params=["staff", "patient"])
def opened_desk(request: pytest.FixtureRequest) -> Desk:
    """The full viewer at the clinic door, and in a share."""
    made: Desk = request.getfixturevalue(request.param)
    return made


def test_the_same_picture_is_drawn_from_every_transfer_syntax(opened_desk: Desk) -> None:
    opened_desk.choose("Encodings")
    first = opened_desk.drawn(1, 13)
    for number in range(2, 14):
        picture = opened_desk.scroll(number, 13)
        # Lossy ones have grey levels of their own, and so a window of their own.
        assert np.corrcoef(picture.ravel(), first.ravel())[0, 1] > 0.95, number


@pytest.mark.parametrize("name", TOTALS)
def test_every_kind_of_picture_is_drawn_and_leafed_through(opened_desk: Desk, name: str) -> None:
    opened_desk.choose(name)
    before = opened_desk.drawn(1, TOTALS[name])
    for number in (2, 3):
        opened_desk.scroll(number, TOTALS[name])
        before = opened_desk.another(before)


def test_a_document_is_shown_in_its_frame(opened_desk: Desk) -> None:
    opened_desk.choose("Document")
    wait_for(lambda: opened_desk.picture().mean() > 120, PATIENCE / 1000, "white paper")


def test_a_report_is_read_whose_items_have_no_names(opened_desk: Desk) -> None:
    opened_desk.choose("Report")
    expect(opened_desk.page.get_by_text("was detected").first).to_be_visible(timeout=PATIENCE)


def test_a_length_is_measured(staff: Desk) -> None:
    staff.choose("CT slices")
    expect(staff.page.get_by_text(re.compile(r"\(\d/3\)")).first).to_be_visible(timeout=PATIENCE)
    staff.page.locator('[data-cy="MeasurementTools-split-button-primary"]').click()
    staff.page.mouse.move(600, 300)
    staff.page.mouse.down()
    staff.page.mouse.move(700, 400, steps=5)
    staff.page.mouse.up()
    expect(staff.page.get_by_text(re.compile(r"^\d+(\.\d+)? mm$")).first).to_be_visible(timeout=PATIENCE)


def test_a_share_is_read_in_it_through_a_tunnel(browser: Browser, doors: Doors, share: NewShare) -> None:
    with tunnel(doors.public) as edge, desk(browser, edge) as made:
        made.page.goto(edge + urlsplit(share.link).path)
        made.page.get_by_label("PIN").fill(share.pin)
        made.page.get_by_role("button", name="Show my images").click()
        made.page.get_by_role("link", name="Open the full viewer").click()
        before = made.drawn(1, 13)
        made.choose("CT slices")
        made.another(before)  # perhaps nothing yet, until there are the slices
        made.drawn(1, 3)


def test_a_share_asks_for_its_own_study_alone_and_ends_when_it_is_revoked(
    patient: Desk, share: NewShare, box: Box, doors: Doors
) -> None:
    path, other = share.link.removeprefix(doors.public), named(box, "KNEE")
    asked = [url.removeprefix(doors.public) for url in patient.asked if url.startswith(doors.public)]
    assert {url.split("/")[1] for url in asked} == {"s", "ohif", "static"}
    assert all(url.startswith(path) for url in asked if url.startswith("/s/"))
    assert not [url for url in asked if other in url]

    def status(study: str) -> int:
        metadata = f"{path}/dicom-web/studies/{study}/metadata"
        return int(patient.page.evaluate("(path) => fetch(path).then((answer) => answer.status)", metadata))

    assert patient.faults == []
    assert status(STUDY) == 200
    patient.provoked = True
    assert status(other) == 404
    box.sharing.revoke(share.share.id)
    assert status(STUDY) == 410
    patient.page.reload()
    expect(patient.page.get_by_role("heading")).to_contain_text("link", timeout=PATIENCE)
