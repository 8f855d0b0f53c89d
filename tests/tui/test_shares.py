"""The list of links: what became of them, ending and unlocking them."""

from __future__ import annotations

import pytest

from appliance.shares.sharing import ShareRefusedError, Status
from tests.support.files import brainix
from tui.screens.pin import NewPin


@pytest.fixture
def shared(box, fill):
    """A link to a study that is there."""
    fill(brainix()[:1])
    return box.sharing.create(box.storage.studies.search("", 1)[0].study_instance_uid)


def code(new) -> str:
    return new.link.rpartition("/")[2]


def lock(box, new) -> None:
    wrong = "135790" if new.pin != "135790" else "246801"
    for _ in range(box.config.shares.pin_attempts):
        with pytest.raises(ShareRefusedError):
            box.sharing.unlock(code(new), wrong, "192.0.2.9")


async def test_says_whose_until_when_and_how_often_opened(opened, box, shared):
    box.sharing.unlock(code(shared), shared.pin, "192.0.2.7")
    async with opened() as console:
        await console.press("f2")
        await console.sees("BRAINIX", "active", " 1 ")
        await console.sees("1 link in use")


async def test_an_opening_shows_at_once(opened, box, shared):
    async with opened() as console:
        await console.press("f2")
        await console.sees("BRAINIX", "active", "0 never")
        took = []
        for times in range(1, 4):
            box.sharing.unlock(code(shared), shared.pin, "192.0.2.7")
            took.append(await console.sees("BRAINIX", "active", f" {times} "))
        assert not console.row("never")
        assert min(took) < 1  # as soon as the machine lets it


async def test_revoking_asks_first(opened, box, shared):
    async with opened() as console:
        await console.press("f2")
        await console.sees("active")
        await console.press("x")
        await console.sees("End the link of BRAINIX?")
        await console.press("escape")
        assert box.sharing.status(box.sharing.get(shared.share.id)) is Status.ACTIVE
        await console.press("x")
        await console.sees("End the link of BRAINIX?")
        await console.press("enter")
        await console.sees("BRAINIX", "revoked")
        assert box.sharing.status(box.sharing.get(shared.share.id)) is Status.REVOKED


async def test_what_is_revoked_cannot_be_revoked_again(opened, box, shared):
    box.sharing.revoke(shared.share.id)
    async with opened() as console:
        await console.press("f2")
        await console.sees("revoked")
        assert not console.row("x Revoke")
        await console.press("x")
        assert not console.row("End the link")


async def test_a_locked_link_gets_a_new_pin_that_is_shown_once(opened, box, shared):
    lock(box, shared)
    async with opened() as console:
        await console.press("f2")
        await console.sees("BRAINIX", "locked")
        await console.sees("Press u to make a new PIN")
        await console.press("u")
        await console.sees("Make a new PIN for BRAINIX?")
        await console.press("enter")
        await console.until(lambda: isinstance(console.app.screen, NewPin))
        pin = console.app.screen.pin
        await console.press("enter", "escape")
        await console.sees("BRAINIX", "active")
        assert box.sharing.unlock(code(shared), pin, "192.0.2.7").id == shared.share.id


async def test_enter_shows_the_log(opened, box, shared):
    lock(box, shared)
    async with opened() as console:
        await console.press("f2")
        await console.sees("locked")
        await console.press("enter")
        await console.sees("wrong pin", "192.0.2.9")
        await console.press("escape")
        await console.sees("Shares")


async def test_no_links_yet(opened):
    async with opened() as console:
        await console.press("f2")
        await console.sees("No links yet. Choose a study and press s.")
