"""A study's link for a viewer, at the console."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from appliance.box import Box
from appliance.config import load
from tests.support.files import PYDICOM
from tui.screens.viewer_link import ViewerLinkScreen

CT = PYDICOM / "test_files" / "CT_small.dcm"


@pytest.fixture
def box(tmp_path):
    options = {"PACSBOX_WEB_CLINIC_URL": "http://box.clinic.example:8042", "PACSBOX_DICOM_AE_TITLE": "CLINIC_A"}
    made = Box(load(environment={"PACSBOX_DATA_DIR": str(tmp_path / "box")} | options)[0])
    yield made
    made.close()


async def to_the_link(console, viewer: str) -> ViewerLinkScreen:
    await console.sees("CompressedSamples")
    await console.press("enter", "v")
    await console.sees("Open in a viewer")
    await console.sees(viewer)
    names = [link.name for link in console.app.screen._listing.rows]
    await console.press(*["down"] * names.index(viewer), "enter")
    await console.until(lambda: isinstance(console.app.screen, ViewerLinkScreen))
    return console.app.screen


async def test_the_dialog_tells_which_viewers_there_are_and_what_each_needs(opened, fill):
    fill([CT])
    async with opened() as console:
        await console.sees("CompressedSamples")
        await console.press("enter", "enter", "v")
        for name in ("Weasis", "3D Slicer", "Horos", "OsiriX", "RadiAnt", "MicroDicom"):
            await console.sees(name)
        await console.press("end")
        await console.sees("MicroDicom 2024.2 or later")
        await console.press("escape")
        await console.sees("Body part")


async def test_a_short_link_is_a_code_with_its_letters_beside(opened, fill):
    fill([CT])
    async with opened((120, 50)) as console:
        screen = await to_the_link(console, "RadiAnt")
        assert screen.link.url.startswith("radiant://?n=paet&v=CLINIC_A&n=pstv&v=0020000D&v=%22")
        assert sum("██" in line for line in console.lines) > 15
        await console.sees("radiant://?n=paet")
        assert "Works until" not in console.text


async def test_a_long_one_is_shown_in_letters_where_its_code_does_not_fit(opened, fill, box):
    fill([CT])
    async with opened() as console:
        screen = await to_the_link(console, "3D Slicer")
        await console.sees("slicer://viewer/?studyUID=")
        await console.sees("Works until")
        token = parse_qs(urlsplit(screen.link.url).query)["access_token"][0]
        assert box.bearers.scope(token).who == "console by link"
        shown = "".join(line[1:40].strip() for line in console.lines)
        assert screen.link.url[:60] in shown


async def test_a_door_that_only_this_machine_reaches_is_warned_of(tmp_path, opened, fill, box, monkeypatch):
    fill([CT])
    monkeypatch.setattr(box, "config", load(environment={"PACSBOX_DATA_DIR": str(box.data_dir)})[0])
    async with opened() as console:
        await to_the_link(console, "RadiAnt")
        await console.sees("Only this machine can fetch")
        await console.press("escape")
        await console.sees("CompressedSamples")


async def test_the_address_is_copied(opened, fill):
    fill([CT])
    async with opened((100, 40)) as console:
        screen = await to_the_link(console, "Weasis")
        await console.press("c")
        await console.until(lambda: console.app.clipboard == screen.link.url)
