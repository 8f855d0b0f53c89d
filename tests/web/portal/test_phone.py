"""The patient's page in a real browser: a phone of 390 x 844 with touch, and a desktop."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zipfile import ZipFile

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, expect, sync_playwright
from pydicom.dataset import Dataset

from appliance.box import Box
from appliance.config import load
from appliance.shares.sharing import NewShare
from tests.support.clinic import opened
from tests.support.files import PYDICOM, knee, shared
from tests.support.indexing import stock
from tests.support.pictures import rendered, write
from tests.support.programs import free_port, program
from tests.support.tunnel import tunnel
from tests.support.waiting import wait_for

PATIENCE = 30_000
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
).split()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program("chromium"), args=QUIET)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Box]:
    """A box with both doors open and one study of each kind."""
    folder, port = tmp_path_factory.mktemp("box"), free_port()
    environment = {
        "PACSBOX_DATA_DIR": str(folder),
        "PACSBOX_WEB_PUBLIC_PORT": str(port),
        "PACSBOX_WEB_CLINIC_PORT": "0",
        "PACSBOX_SHARES_PIN": "optional",
    }
    made = Box(load(environment=environment)[0])
    stock(made, *knee(), shared("odd", "SignedCT.dcm"), shared("odd", "sample-pdf.dcm"))
    stock(made, PYDICOM / "test_files" / "examples_ybr_color.dcm", film(folder, browser))
    with opened(made):
        yield made
    made.close()


def film(folder: Path, browser: Browser) -> Path:
    """One second of H.264 in MP4, recorded by the browser itself, as an endoscope's instance."""
    page = browser.new_page()
    text = page.evaluate(
        """async () => {
          const canvas = document.createElement("canvas"), parts = [];
          const pen = canvas.getContext("2d");
          const recorder = new MediaRecorder(canvas.captureStream(25), { mimeType: "video/mp4;codecs=avc1.42E01E" });
          recorder.ondataavailable = (event) => parts.push(event.data);
          recorder.start();
          for (let step = 0; step < 20; step++) {
            pen.fillStyle = `rgb(${step * 12}, 160, 40)`;
            pen.fillRect(0, 0, canvas.width, canvas.height);
            await new Promise((done) => setTimeout(done, 50));
          }
          await new Promise((done) => { recorder.onstop = done; recorder.stop(); });
          const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
          return btoa(String.fromCharCode(...bytes));
        }"""
    )
    page.close()
    body = base64.b64decode(text)
    body += b"\0" * (len(body) % 2)
    dataset = Dataset()
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.77.1.1.1"
    dataset.SOPInstanceUID, dataset.SeriesInstanceUID, dataset.StudyInstanceUID = "1.2.3", "1.2.4", "1.2.5"
    dataset.PatientName, dataset.Modality, dataset.NumberOfFrames = "FILM", "ES", 20
    dataset.Rows, dataset.Columns = 150, 300
    item = b"\xfe\xff\x00\xe0"
    dataset.PixelData = item + bytes(4) + item + len(body).to_bytes(4, "little") + body + b"\xfe\xff\xdd\xe0" + bytes(4)
    return write(folder / "film.dcm", dataset, "1.2.840.10008.1.2.4.102")


Share = Callable[[str], NewShare]


@pytest.fixture
def share(box: Box) -> Share:
    """Makes a link to the study of a patient."""

    def make(patient: str, **options: Any) -> NewShare:
        return box.sharing.create(box.storage.studies.search(patient, 1)[0].study_instance_uid, **options)

    return make


@pytest.fixture
def phone(browser: Browser, box: Box) -> Iterator[BrowserContext]:
    context = browser.new_context(**PHONE)
    yield from watched(context, box)


@pytest.fixture
def desktop(browser: Browser, box: Box) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield from watched(context, box)


def watched(context: BrowserContext, box: Box) -> Iterator[BrowserContext]:
    """No request may leave the box, no page may fail or break its own policy."""
    asked: list[str] = []
    faults: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    context.on("weberror", lambda fault: faults.append(str(fault.error)))
    context.on("console", lambda message: faults.append(message.text) if "Content Security" in message.text else None)
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()
    assert asked
    assert [url for url in asked if not url.startswith((box.config.public_url, "chrome:", "chrome-extension:"))] == []
    assert faults == []


def enter(context: BrowserContext, new: NewShare) -> Page:
    """Open the link, type the PIN, and go to the first picture if there is one."""
    page = context.new_page()
    page.goto(new.link)
    page.get_by_label("PIN").fill(new.pin)
    page.get_by_role("button", name="Show my images").click()
    expect(page.get_by_role("link", name="Download everything")).to_be_visible()
    page.wait_for_load_state("domcontentloaded")
    if page.locator("#sheet").count():
        shown(page, opening(page))
        page.keyboard.press("Home")
        shown(page, 1)
    return page


def opening(page: Page) -> int:
    """The picture of the first stack that is shown first."""
    return int(page.evaluate("JSON.parse(document.getElementById('album').textContent).stacks[0].start")) + 1


def shown(page: Page, number: int) -> None:
    """Wait until picture `number` of the stack is on the screen."""
    page.wait_for_function(
        """(number) => {
          const image = document.querySelector("#sheet img");
          return image.alt.startsWith(`Image ${number} of`) && image.complete && image.naturalWidth;
        }""",
        arg=number,
    )
    assert page.locator("#position").text_content() in (f"{number} of {total(page)}", None)


def total(page: Page) -> str:
    return str(page.locator("#slider").get_attribute("max"))


def pixels(page: Page) -> NDArray[np.int64]:
    """The picture on the screen, as the browser has decoded it."""
    text = page.evaluate(
        """() => {
          const image = document.querySelector("#sheet img"), canvas = document.createElement("canvas");
          canvas.width = image.naturalWidth;
          canvas.height = image.naturalHeight;
          canvas.getContext("2d").drawImage(image, 0, 0);
          return canvas.toDataURL("image/png").split(",")[1];
        }"""
    )
    return np.asarray(Image.open(BytesIO(base64.b64decode(text))).convert("L")).astype(int)


class Fingers:
    """Touches on the stage, at places given as shares of its width and height."""

    def __init__(self, page: Page) -> None:
        self._session: CDPSession = page.context.new_cdp_session(page)
        box = page.locator("#stage").bounding_box()
        assert box is not None
        self._box = box

    def drag(self, *paths: tuple[tuple[float, float], tuple[float, float]]) -> None:
        """Each finger from one place to another, at the same time."""
        for step in range(9):
            part = step / 8
            places = [((1 - part) * a[0] + part * b[0], (1 - part) * a[1] + part * b[1]) for a, b in paths]
            self._send("touchStart" if step == 0 else "touchMove", places)
        self._send("touchEnd", [])

    def tap_twice(self, place: tuple[float, float]) -> None:
        """As quickly as a person, however slow the machine is."""
        begun = time.time()
        for number, kind in enumerate(("touchStart", "touchEnd") * 2):
            self._send(kind, [place] if kind == "touchStart" else [], begun + number * 0.05)

    def _send(self, kind: str, places: list[tuple[float, float]], at: float | None = None) -> None:
        box = self._box
        points = [
            {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"], "id": number}
            for number, (x, y) in enumerate(places)
        ]
        when = {} if at is None else {"timestamp": at}
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points, **when})


def zoomed(page: Page) -> float:
    return float(page.evaluate("new DOMMatrix(getComputedStyle(document.getElementById('sheet')).transform).a"))


def test_a_wrong_pin_then_the_right_one_then_the_picture_as_pydicom_would_draw_it(
    phone: BrowserContext, share: Share, box: Box
) -> None:
    new = share("KNEE")
    page = phone.new_page()
    page.goto(new.link)
    expect(page.get_by_label("PIN")).to_be_focused()
    assert page.get_by_label("PIN").get_attribute("inputmode") == "numeric"
    page.keyboard.type("135790" if new.pin != "135790" else "246801")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("That PIN is not right. You can try 9 more times.")
    expect(page.get_by_label("PIN")).to_be_focused()
    page.keyboard.type(new.pin)
    page.keyboard.press("Enter")
    shown(page, 12)
    study = new.share.study_instance_uid
    middle = box.storage.studies.instances(study)[11]
    picture = pixels(page)
    assert picture.std() > 20
    assert np.abs(picture - rendered(box.blobs.path(middle.blob_key)).astype(int)).mean() < 2
    expect(page.get_by_text("IRM DU GENOU · 19 August 2008")).to_be_visible()
    expect(page.get_by_text("MR – knee")).to_have_count(2)


def test_the_first_picture_is_there_within_a_second_of_the_pin(phone: BrowserContext, share: Share) -> None:
    page = enter(phone, share("KNEE"))
    page.get_by_role("button", name="Close").click()
    assert 0 < min(milliseconds_to_the_picture(page, share("KNEE")) for _ in range(5)) < 1000


def milliseconds_to_the_picture(page: Page, new: NewShare) -> float:
    """From the PIN on; longer when others keep the machine busy."""
    page.goto(new.link)
    page.get_by_label("PIN").fill(new.pin)
    page.evaluate("document.querySelector('form').addEventListener('submit', () => { window.name = Date.now(); })")
    page.get_by_role("button", name="Show my images").click()
    shown(page, 12)
    return float(
        page.evaluate(
            """() => performance.timeOrigin - Number(window.name) + Math.max(...performance
                 .getEntriesByType("resource").filter((one) => one.name.includes("/1.jpg")).slice(0, 1)
                 .map((one) => one.responseEnd))"""
        )
    )


def test_swiping_leafs_one_picture_at_a_time(phone: BrowserContext, share: Share) -> None:
    page = enter(phone, share("KNEE"))
    fingers = Fingers(page)
    before = pixels(page)
    fingers.drag(((0.8, 0.5), (0.3, 0.5)))
    shown(page, 2)
    assert np.abs(pixels(page) - before).mean() > 1
    fingers.drag(((0.8, 0.5), (0.3, 0.52)))
    shown(page, 3)
    fingers.drag(((0.3, 0.5), (0.8, 0.5)))
    shown(page, 2)
    fingers.drag(((0.5, 0.5), (0.55, 0.5)))
    shown(page, 2)


def test_a_finger_up_and_down_runs_through_the_stack(phone: BrowserContext, share: Share) -> None:
    page = enter(phone, share("KNEE"))
    Fingers(page).drag(((0.5, 0.2), (0.5, 0.7)))
    page.wait_for_function("() => document.querySelector('#slider').value >= 10")
    shown(page, int(page.locator("#slider").input_value()))


def test_two_fingers_and_two_taps_zoom_and_one_finger_then_moves(phone: BrowserContext, share: Share) -> None:
    page = enter(phone, share("KNEE"))
    fingers = Fingers(page)
    fingers.drag(((0.45, 0.5), (0.2, 0.5)), ((0.55, 0.5), (0.8, 0.5)))
    wait_for(lambda: zoomed(page) > 2)
    where = page.locator("#sheet").get_attribute("style")
    fingers.drag(((0.5, 0.5), (0.3, 0.4)))
    wait_for(lambda: page.locator("#sheet").get_attribute("style") != where)
    shown(page, 1)
    fingers.tap_twice((0.5, 0.5))
    wait_for(lambda: zoomed(page) == 1)
    fingers.tap_twice((0.5, 0.5))
    wait_for(lambda: zoomed(page) == 2.5)


def test_keys_wheel_slider_and_buttons_leaf_too(desktop: BrowserContext, share: Share) -> None:
    page = enter(desktop, share("KNEE"))
    for key, number in (("ArrowRight", 2), ("ArrowDown", 3), ("ArrowLeft", 2), ("PageDown", 12), ("End", 24)):
        page.keyboard.press(key)
        shown(page, number)
    expect(page.get_by_role("button", name="Next image")).to_be_disabled()
    page.keyboard.press("Home")
    shown(page, 1)
    page.locator("#stage").hover()
    page.mouse.wheel(0, 120)
    shown(page, 2)
    page.get_by_role("button", name="Next image").click()
    shown(page, 3)
    page.get_by_role("slider", name="Image").focus()
    page.keyboard.press("ArrowRight")
    shown(page, 4)
    page.get_by_role("link", name="26 images").click()
    shown(page, 13)
    assert total(page) == "26"


def test_a_stack_opens_on_its_middle_image_which_is_asked_for_once_and_a_clip_on_its_first_frame(
    phone: BrowserContext, share: Share
) -> None:
    page = phone.new_page()
    for patient, number in (("KNEE", 12), ("PLA", 1)):
        new = share(patient)
        page.goto(new.link)
        page.get_by_label("PIN").fill(new.pin)
        page.get_by_role("button", name="Show my images").click()
        shown(page, number)
        first = page.locator("#sheet img").get_attribute("src")
        asked = page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
        assert [url.endswith(first) for url in asked].count(True) == 1


def test_leafing_fast_ends_at_the_picture_that_was_wished(desktop: BrowserContext, share: Share) -> None:
    page = enter(desktop, share("KNEE"))
    for _ in range(19):
        page.keyboard.press("ArrowRight")
    shown(page, 20)


def test_windows_of_a_ct_change_the_picture(phone: BrowserContext, share: Share) -> None:
    page = enter(phone, share("Anonymized84"))
    before = pixels(page)
    for name in ("Lung", "Bone", "Soft tissue", "Brain"):
        page.get_by_role("button", name=name).click()
        expect(page.get_by_role("button", name=name)).to_have_attribute("aria-pressed", "true")
        wait_for(lambda before=before: np.abs(pixels(page) - before).mean() > 3, what=name)
        before = pixels(page)


def test_a_clip_plays_and_pauses(phone: BrowserContext, share: Share) -> None:
    page = enter(phone, share("PLA"))
    expect(page.get_by_text("moving, 30 images")).to_be_visible()
    page.get_by_role("button", name="Play").click()
    seen = set()
    wait_for(lambda: seen.add(page.locator("#sheet img").get_attribute("src")) or len(seen) > 5)
    page.get_by_role("button", name="Pause").click()
    still = page.locator("#position").text_content()
    shown(page, int(str(still).split()[0]))
    assert page.locator("#position").text_content() == still


def test_a_report_opens_as_a_pdf(phone: BrowserContext, share: Share) -> None:
    page = enter(phone, share("CARDIO"))
    with phone.expect_page() as popup:
        page.get_by_role("link", name="Open").click()
    report = popup.value
    report.wait_for_load_state()
    # The viewer of the browser is not a page of ours to look into: so look at it.
    wait_for(lambda: np.asarray(Image.open(BytesIO(report.screenshot())).convert("L")).mean() > 100, 20)


def test_a_film_plays(phone: BrowserContext, share: Share) -> None:
    page = enter(phone, share("FILM"))
    page.evaluate("document.querySelector('video').play()")
    page.wait_for_function("() => document.querySelector('video').currentTime > 0.3")
    assert page.evaluate("document.querySelector('video').videoWidth") == 300


def test_everything_is_downloaded_byte_for_byte(phone: BrowserContext, share: Share, box: Box) -> None:
    new = share("KNEE")
    page = enter(phone, new)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download everything").click()
    assert download.value.suggested_filename == "images.zip"
    with ZipFile(download.value.path()) as archive:
        got = sorted(archive.read(name) for name in archive.namelist())
    instances = box.storage.studies.instances(new.share.study_instance_uid)
    assert got == sorted(box.blobs.path(one.blob_key).read_bytes() for one in instances)


def test_the_picture_on_the_screen_can_be_saved(desktop: BrowserContext, share: Share) -> None:
    page = enter(desktop, share("KNEE"))
    page.keyboard.press("ArrowRight")
    shown(page, 2)
    with page.expect_download() as download:
        page.get_by_role("link", name="Save this image").click()
    assert download.value.suggested_filename == "image-1-2.jpg"
    with Image.open(download.value.path()) as picture:
        assert picture.format == "JPEG"


@pytest.mark.parametrize("picture", ["2", "24"], ids=["in memory", "at the box"])
def test_an_open_page_shows_no_further_picture_once_the_link_is_revoked(
    phone: BrowserContext, share: Share, box: Box, picture: str
) -> None:
    new = share("KNEE")
    page = enter(phone, new)
    page.wait_for_load_state("networkidle")
    box.sharing.revoke(new.share.id)
    page.locator("#slider").fill(picture)
    expect(page.get_by_role("heading", name="This link has been switched off")).to_be_visible()
    assert page.locator("img").count() == 1, "only our own mark is left"


def test_full_screen_covers_all_and_escape_leaves_it(desktop: BrowserContext, share: Share) -> None:
    page = enter(desktop, share("KNEE"))
    page.get_by_role("button", name="Full screen").click()
    covered = page.locator("#viewer").bounding_box()
    assert covered is not None
    assert (covered["width"], covered["height"]) == (1280, 800)
    page.keyboard.press("ArrowRight")
    shown(page, 2)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Full screen")).to_have_attribute("aria-pressed", "false")


def test_a_link_without_pin_opens_at_the_press_of_a_button(phone: BrowserContext, share: Share, box: Box) -> None:
    new = share("KNEE", no_pin=True)  # type: ignore[call-arg]
    page = phone.new_page()
    page.goto(new.link)
    assert box.sharing.openings(new.share.id) == []
    page.get_by_role("button", name="Show my images").click()
    shown(page, 12)


def test_below_a_path_of_a_proxy_all_works_and_nothing_outside_it_is_asked_for(
    browser: Browser, share: Share, box: Box
) -> None:
    new, asked = share("KNEE"), set()
    context = browser.new_context(**PHONE)
    context.on("request", lambda request: asked.add(request.url))
    with tunnel(box.config.public_url, below="/clinic/images") as edge:
        page = enter(context, replace(new, link=edge + urlsplit(new.link).path))
        page.locator("#slider").fill("2")
        shown(page, 2)
        assert [cookie["path"] for cookie in context.cookies()] == ["/clinic/images" + urlsplit(new.link).path]
        with page.expect_download() as download:
            page.get_by_role("link", name="Download everything").click()
        with ZipFile(download.value.path()) as archive:
            assert len(archive.namelist()) == 50
        page.get_by_role("button", name="Close").click()
        expect(page.get_by_label("PIN")).to_be_visible()
        assert context.cookies() == []
        page.goto(edge + "/s/nothing")
        expect(page.locator("img.mark")).to_be_visible()
        assert page.evaluate("document.querySelector('img.mark').naturalWidth") > 0
        page.goto("about:blank")
    context.close()
    assert any(url.endswith("/viewer.js") for url in asked)
    assert [url for url in asked if not url.startswith((edge + "/", "about:"))] == []


def test_without_script_every_picture_is_a_link(browser: Browser, share: Share) -> None:
    context = browser.new_context(java_script_enabled=False, **PHONE)
    new = share("KNEE")
    page = context.new_page()
    page.goto(new.link)
    page.get_by_label("PIN").fill(new.pin)
    page.get_by_role("button", name="Show my images").click()
    expect(page.get_by_text("Tap an image to open it.")).to_be_visible()
    page.get_by_role("link", name="24 images").click()
    page.wait_for_url("**/1.jpg")
    context.close()


@pytest.mark.parametrize("size", [(320, 568), (390, 844), (844, 390), (768, 1024), (1280, 800)])
def test_nothing_sticks_out_on_any_screen(browser: Browser, share: Share, box: Box, size: tuple[int, int]) -> None:
    new_context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    for context in watched(new_context, box):
        for patient in ("KNEE", "Anonymized84", "CARDIO", "FILM"):
            page = enter(context, share(patient))
            fits(page)
        page.goto(box.config.public_url + "/nothing")
        fits(page)


def fits(page: Page) -> None:
    wide = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide[0] <= wide[1], page.url.replace(urlsplit(page.url).path, "")


def test_every_control_has_a_name_and_room_for_a_finger(phone: BrowserContext, share: Share) -> None:
    page = enter(phone, share("Anonymized84"))
    controls = page.locator("button:visible, a:visible, input:visible")
    assert controls.count() >= 10
    for control in controls.all():
        said = control.get_attribute("aria-label") or control.inner_text()
        box = control.bounding_box()
        assert box is not None
        assert said.strip()
        assert min(box["width"], box["height"]) >= 44, said
