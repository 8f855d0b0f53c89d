"""The screen of one study."""

from __future__ import annotations

import asyncio

from appliance import events
from tests.support.files import brainix
from tui.screens.worklist import WorklistScreen


async def open_study(console) -> None:
    await console.sees("BRAINIX")
    await console.press("enter", "enter")
    await console.sees("Requested by")


async def test_tells_whose_it_is_and_what_is_in_it(opened, fill):
    fill(brainix())
    async with opened() as console:
        await open_study(console)
        assert console.row("Patient ", "BRAINIX", "Born", "1949-03-01")
        assert console.row("Study ", "IRM cérébrale, neuro-crâne", "Taken", "2006-12-01 14:16")
        assert console.row("401", "MR", "sT2W/FLAIR", "22")
        assert console.row("501", "MR", "T2W/FE-EPI", "22")
        assert console.row("No link was made for it, and it was sent nowhere.")


async def test_series_grow_while_one_looks(opened, fill):
    fill(brainix()[:1])
    async with opened() as console:
        await open_study(console)
        await asyncio.to_thread(fill, brainix()[1:])
        await console.sees("401", "22")
        await console.sees("501", "22")


async def test_links_and_transfers_of_it_are_told(opened, box, fill):
    fill(brainix()[:2])
    uid = box.storage.studies.search("", 1)[0].study_instance_uid
    box.sharing.create(uid)
    box.peers.add("CLINIC-B", "B", "192.0.2.2", 104)
    for _ in range(4):
        box.transfers.enqueue(uid, "CLINIC-B")
    async with opened() as console:
        await open_study(console)
        await console.sees("Link of ", "active, until")
        await console.sees("To CLINIC-B", "waiting, 0 of 2 images")
        await console.sees("and 1 more: see Shares (F2) and Transfers (F3)")


async def test_s_and_t_work_here_too(opened, box, fill):
    fill(brainix()[:1])
    async with opened() as console:
        await open_study(console)
        await console.press("s")
        await console.sees("Share with the patient")
        await console.press("escape", "t")
        await console.sees("Send to another clinic")


async def test_a_study_that_is_deleted_meanwhile_is_left_with_a_word(opened, box, fill):
    fill(brainix()[:1])
    uid = box.storage.studies.search("", 1)[0].study_instance_uid
    async with opened() as console:
        await open_study(console)
        with box.storage.transaction():
            box.storage.studies.remove_study(uid)
            box.storage.events.add(events.STUDY_DELETED, uid)
        await console.sees("This study is not on the box any more.")
        await console.until(lambda: isinstance(console.app.screen, WorklistScreen))
        await console.sees("No studies yet")
