"""What needs a person, and what the front desk can do about it."""

from __future__ import annotations

import io
from contextlib import ExitStack

import pytest
from pydicom import dcmread

from appliance import events
from appliance.service import SERVICES, only_one
from tests.support.files import brainix


@pytest.fixture
def rejected(box, fill, tmp_path):
    """Two files without a Study Instance UID."""
    for number in range(2):
        dataset = dcmread(brainix()[number])
        dataset.StudyInstanceUID = ""
        dataset.save_as(tmp_path / f"{number}.dcm")
    fill(sorted(tmp_path.glob("*.dcm")))


@pytest.fixture
def all_up(box):
    """As far as anyone can tell: the services' places are taken."""
    with ExitStack() as stack:
        for name in SERVICES:
            stack.enter_context(only_one(box.run_dir, name))
        yield


async def test_services_that_are_down_are_told_with_what_it_means(opened):
    async with opened() as console:
        await console.sees("All services down")
        await console.press("f5")
        await console.sees("The receiver is down: no images can come in")


async def test_one_service_down_is_named_on_every_screen(opened, box):
    with ExitStack() as stack:
        for name in ("receiver", "indexer", "web"):
            stack.enter_context(only_one(box.run_dir, name))
        async with opened() as console:
            for key in ("f2", "f3", "f4"):
                await console.press(key)
                await console.sees("sender down")


async def test_all_is_well(opened, all_up):
    async with opened() as console:
        await console.sees("Disk ", " free", "All services up")
        assert "attention" not in console.text
        await console.press("enter", "escape", "f5")
        await console.sees("Nothing needs attention.")


async def test_unreadable_files_wait_with_their_reason(opened, all_up, rejected):
    async with opened() as console:
        await console.sees("2 need attention (F5)")
        await console.press("f5")
        await console.sees("> Unreadable", "Its Study Instance UID is missing.")
        await console.sees("It is kept safe")


async def test_one_or_all_are_tried_again(opened, box, all_up, rejected):
    async with opened() as console:
        await console.press("f5")
        await console.sees("2 things")
        await console.press("r")
        await console.sees("1 file given to the indexer once more.")
        await console.sees("1 thing")
        await console.press("a")
        await console.sees("Nothing needs attention.")
        assert len(box.spool("test").waiting()) == 2


async def test_a_contradiction_says_whose_image_it_is(opened, box, fill, all_up, tmp_path):
    dataset = dcmread(brainix()[0])
    fill(brainix()[:1])
    dataset.ImageComments = "other bytes"
    dataset.save_as(tmp_path / "other.dcm")
    fill([tmp_path / "other.dcm"])
    async with opened() as console:
        await console.press("f5")
        await console.sees("> Contradiction")
        await console.sees("BRAINIX · ")
        await console.sees("The image that came first stays in use.")
        assert not console.row("r Try again")


async def test_it_shows_when_a_file_is_rejected_meanwhile(opened, box, all_up):
    async with opened() as console:
        await console.press("f5")
        await console.sees("Nothing needs attention.")
        spool = box.spool("receiver")
        with spool.keeping(b"") as keeping:
            keeping.write(io.BytesIO(b"no DICOM").read())
            entry = keeping.commit()
        spool.reject(entry, "it is no DICOM", events.now())
        await console.sees("Unreadable", "It is no DICOM.")
