"""Staff with a real browser: without scripts, by keyboard alone, in colours that can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from appliance.box import Box
from appliance.config import load
from tests.support.clinic import opened
from tests.support.files import PYDICOM
from tests.support.indexing import stock
from tests.support.programs import program
from web.staff import pages

PASSWORD = "correct horse battery"
PATIENCE = 30_000
FROM_THE_LAN = {"X-Real-IP": "192.0.2.7"}
"""As a proxy would say it, so that nothing is granted to this machine."""
QUIET = "--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update".split()


@pytest.fixture
def door(tmp_path: Path) -> Iterator[str]:
    environment = {"PACSBOX_DATA_DIR": str(tmp_path / "box"), "PACSBOX_WEB_ADDRESS_HEADER": "X-Real-IP"}
    environment |= {"PACSBOX_WEB_PUBLIC_PORT": "0", "PACSBOX_WEB_CLINIC_PORT": "0"}
    box = Box(load(environment=environment)[0])
    stock(box, PYDICOM / "test_files" / "CT_small.dcm")
    box.staff.add("Anna Berg", PASSWORD)
    with opened(box) as doors:
        yield doors.clinic
    box.close()


@pytest.fixture
def page() -> Iterator[Page]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program("chromium"), args=QUIET)
        context = chromium.new_context(java_script_enabled=False, extra_http_headers=FROM_THE_LAN)
        yield context.new_page()
        chromium.close()


def test_one_logs_in_finds_a_study_and_logs_out_by_keyboard_and_without_scripts(door: str, page: Page) -> None:
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if "Policy" in message.text else None)
    page.goto(f"{door}/")
    expect(page.get_by_label("Name")).to_be_focused()
    expect(page.get_by_text("This connection is not encrypted.")).to_be_visible()
    page.keyboard.type("anna berg")
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("not right")
    expect(page).to_have_title("Not logged in: Log in to pacsbox")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("anna berg")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_label("Name, patient ID").focus()
    page.keyboard.type("samples")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="CompressedSamples, CT1")).to_be_visible()
    assert page.url == f"{door}/"
    page.get_by_role("link", name="Open in a viewer").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Weasis")).to_have_attribute("href", re.compile("^weasis://%24dicom%3Ars"))
    expect(page.get_by_label("Address to copy for RadiAnt")).to_have_value(re.compile("^radiant://"))
    (held,) = page.context.cookies()
    assert (held["name"], held["httpOnly"], held["sameSite"]) == ("staff", True, "Strict")
    page.get_by_role("button", name="Log out").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Password")).to_be_visible()
    assert page.context.cookies() == []
    page.go_back()
    expect(page.get_by_label("Password")).to_be_visible()
    assert refused == []


PAIRS = [("ink", "paper"), ("soft", "paper"), ("accent", "paper"), ("on-accent", "accent"), ("ink", "ground")]
WORDS = [*PAIRS, ("wrong", "wrong-ground"), ("warning", "warning-ground")]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_words_and_edges_stand_out_from_what_is_behind_them(theme: int) -> None:
    """WCAG 2.2, 1.4.3 and 1.4.11."""
    style = pages._STYLE.read_text("utf-8")
    colours = dict(re.findall(r"--([\w-]+): (#\w{6});", style.split("prefers-color-scheme: dark")[theme]))
    for front, behind in WORDS:
        assert contrast(colours[front], colours[behind]) >= 4.5, (front, behind)
    for front in ("line", "focus"):
        assert contrast(colours[front], colours["paper"]) >= 3, front


def contrast(first: str, second: str) -> float:
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
