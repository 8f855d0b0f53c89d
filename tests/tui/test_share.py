"""Making a link at the console."""

from __future__ import annotations

from datetime import timedelta

import pytest

from appliance.box import Box
from appliance.config import load
from appliance.dicom.model import moment
from appliance.shares import pin as pins
from tests.support.files import brainix
from tui.screens.qr import QRScreen
from tui.screens.worklist import WorklistScreen


@pytest.fixture
def settings() -> dict[str, str]:
    return {"PACSBOX_WEB_PUBLIC_URL": "https://images.clinic.example"}


@pytest.fixture
def box(tmp_path, settings):
    made = Box(load(environment={"PACSBOX_DATA_DIR": str(tmp_path / "box")} | settings)[0])
    yield made
    made.close()


async def to_the_dialog(console) -> None:
    await console.sees("BRAINIX")
    await console.press("enter", "s")
    await console.sees("Share with the patient")


async def to_the_code(console) -> QRScreen:
    await to_the_dialog(console)
    await console.press("enter")
    await console.until(lambda: isinstance(console.app.screen, QRScreen))
    return console.app.screen


async def test_the_dialog_says_whose_images_and_until_when(opened, fill):
    fill(brainix())
    async with opened() as console:
        await to_the_dialog(console)
        assert console.row("│ ", "BRAINIX")
        assert console.row("│ ", "born 1949-03-01", "ID 5Yp0E")
        assert console.row("│ ", "44 images")
        assert console.row("The link works for", "30", "days, until")
        assert console.row("It asks for a PIN, which you see next.")


async def test_code_pin_expiry_and_host_fit_80_by_24(opened, fill, box):
    fill(brainix()[:1])
    async with opened() as console:
        screen = await to_the_code(console)
        assert len(screen.new.link) <= 62
        await console.sees("Works until")
        assert sum(line[1:].lstrip().startswith("█") for line in console.lines) >= 19
        for part in ("BRAINIX", "then type the PIN:", "images.clinic.example", "shown only now", "Esc Done"):
            assert console.row(part), console.text
        (share,) = box.sharing.all()
        assert pins.matches(share.pin_hash, screen.new.pin)


async def test_neither_link_nor_pin_is_shown_again(opened, fill):
    fill(brainix()[:1])
    async with opened() as console:
        await to_the_code(console)
        await console.press("escape")
        assert isinstance(console.app.screen, WorklistScreen)
        await console.press("enter")
        await console.sees("Link of ", "active, until")


async def test_enter_pressed_once_too_often_does_not_take_the_pin_away(opened, fill, box):
    fill(brainix()[:1])
    async with opened() as console:
        await to_the_dialog(console)
        await console.press("enter", "enter", "enter", "f2", "s")
        await console.until(lambda: isinstance(console.app.screen, QRScreen))
        assert len(box.sharing.all()) == 1


async def test_the_days_can_be_changed(opened, fill, box):
    fill(brainix()[:1])
    async with opened() as console:
        await to_the_dialog(console)
        await console.press("7", "enter")
        await console.until(lambda: isinstance(console.app.screen, QRScreen))
        (share,) = box.sharing.all()
        assert moment(share.expires) - moment(share.created) == pytest.approx(
            timedelta(days=7), abs=timedelta(minutes=1)
        )


async def test_impossible_days_are_told_beside_the_field_and_make_nothing(opened, fill, box):
    fill(brainix()[:1])
    async with opened() as console:
        await to_the_dialog(console)
        await console.press("0", "enter")
        await console.sees("days. Please give 1 to 3650.")
        assert not box.sharing.all()


async def test_escape_makes_no_link(opened, fill, box):
    fill(brainix()[:1])
    async with opened() as console:
        await to_the_dialog(console)
        await console.press("escape")
        assert isinstance(console.app.screen, WorklistScreen)
        assert not box.sharing.all()


async def test_links_that_work_already_are_mentioned(opened, fill, box):
    fill(brainix()[:1])
    box.sharing.create(box.storage.studies.search("", 1)[0].study_instance_uid)
    async with opened() as console:
        await to_the_dialog(console)
        await console.sees("There is already 1 working link for this study.")


@pytest.mark.parametrize("settings", [{"PACSBOX_SHARES_PIN": "optional"}])
async def test_without_pin_where_the_policy_lets(opened, fill, box):
    fill(brainix()[:1])
    async with opened() as console:
        await to_the_dialog(console)
        await console.sees("[x]", "It asks for a PIN")
        await console.press("tab", "space", "enter")
        await console.until(lambda: isinstance(console.app.screen, QRScreen))
        assert console.app.screen.new.pin == ""
        assert not console.row("then type the PIN")


@pytest.mark.parametrize("settings", [{}])
async def test_a_link_that_no_phone_can_open_is_told(opened, fill):
    fill(brainix()[:1])
    async with opened() as console:
        await to_the_code(console)
        await console.sees("No phone can open this link")


@pytest.mark.parametrize("settings", [{"PACSBOX_WEB_PUBLIC_URL": f"https://{'long.' * 24}example"}])
async def test_a_link_too_long_for_the_screen_is_shown_in_letters(opened, fill):
    fill(brainix()[:1])
    async with opened() as console:
        screen = await to_the_code(console)
        await console.sees("too long for a QR code")
        place = screen.query_one("#code").region
        left = "".join("".join(line[place.x : place.right] for line in console.lines).split())
        assert screen.new.link in left


async def test_a_large_screen_gets_a_large_code(opened, fill):
    fill(brainix()[:1])
    async with opened((200, 60)) as console:
        await to_the_code(console)
        assert sum("██" in line for line in console.lines) >= 37
        assert "▀" not in console.text and "▄" not in console.text
