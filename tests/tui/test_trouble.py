"""The console when the index, or the console itself, is in trouble: words, never a traceback, and it goes on."""

from __future__ import annotations

import asyncio
import sqlite3

from appliance.storage.sqlite.connection import BUSY_SECONDS
from tests.support.files import brainix
from tui.app import PacsboxApp
from tui.logfile import logging_to_file
from tui.screens.worklist import WorklistScreen
from tui.widgets.listing import Listing


def move_away(box) -> None:
    box.close()
    for path in box.index_path.parent.iterdir():
        path.rename(path.with_name(path.name + ".away"))


def bring_back(box) -> None:
    for path in box.index_path.parent.glob("*.away"):
        path.rename(path.with_name(path.name.removesuffix(".away")))


async def test_works_while_all_services_are_down(opened, box, fill):
    fill(brainix()[:1])
    async with opened() as console:
        await console.sees("All services down")
        await console.type("bra")
        await console.press("enter", "s")
        await console.sees("Share with the patient")
        await console.press("enter")
        await console.sees("Works until")


async def test_a_missing_index_is_told_and_not_made_anew(opened, box, fill):
    fill(brainix()[:1])
    move_away(box)
    async with opened() as console:
        await console.sees("The list of studies is missing. The images themselves are still here.")
        assert not box.index_path.exists()
        bring_back(box)
        await console.sees("BRAINIX")
        await console.sees_no_more("is missing")


async def test_an_index_that_is_replaced_under_way_is_taken_up(opened, box, fill):
    fill(brainix()[:1])
    async with opened() as console:
        await console.sees("BRAINIX")
        move_away(box)
        await console.sees("The list of studies is missing")
        bring_back(box)
        await console.sees_no_more("is missing")
        await console.press("enter", "s")
        await console.sees("Share with the patient")
        await console.press("enter")
        await console.sees("Works until")
        assert len(box.sharing.all()) == 1


async def test_a_damaged_index_is_told_in_words(opened, box, fill):
    fill(brainix()[:1])
    move_away(box)
    box.index_path.write_bytes(b"this is no database " * 1000)
    async with opened() as console:
        # Wherever the lines break: how long the folder's name is, is chance.
        await console.until(lambda: "is damaged" in " ".join(console.text.split()))
        assert "Traceback" not in console.text
        box.index_path.unlink()
        bring_back(box)
        await console.sees("BRAINIX")


async def test_pages_damaged_under_way_do_not_end_the_console(opened, box, fill):
    fill(brainix())
    box.close()
    with sqlite3.connect(box.index_path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'series'").fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    connection.close()
    with box.index_path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    async with opened() as console:
        await console.sees("BRAINIX")
        await console.press("enter", "enter")
        await console.sees("Study")
        await console.press("escape")
        await console.sees("BRAINIX")
        assert isinstance(console.app.screen, WorklistScreen)


async def test_a_writer_that_holds_the_index_does_not_hold_up_the_keys(opened, box, fill):
    fill(brainix()[:1])
    async with opened() as console:
        await console.sees("BRAINIX")
        blocker = sqlite3.connect(box.index_path, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        try:
            await console.press("enter", "s")
            await console.sees("Share with the patient")
            await console.press("enter")
            await console.press("ctrl+q")
            await console.sees("Close the console?", seconds=BUSY_SECONDS / 2)  # before anybody gives up on the index
            await console.press("escape")
        finally:
            blocker.execute("ROLLBACK")
            blocker.close()
        await console.sees("Works until")


async def test_what_is_read_to_its_end_only_when_all_closes_is_no_fault(opened, monkeypatch):
    closing = asyncio.Event()

    async def read_late(screen) -> None:
        await closing.wait()
        screen.query_one("#taken-away")

    async def take_its_time(_listing) -> None:
        closing.set()
        await asyncio.sleep(0.1)

    async with opened() as console:
        await console.sees("No studies yet")
        monkeypatch.setattr(WorklistScreen, "read", read_late)
        monkeypatch.setattr(Listing, "on_unmount", take_its_time, raising=False)
        console.app.screen.reload()
    assert closing.is_set()


async def test_what_the_core_refuses_becomes_a_notice(opened, box, fill):
    fill(brainix()[:1])
    uid = box.storage.studies.search("", 1)[0].study_instance_uid
    async with opened() as console:
        await console.press("enter", "s")
        await console.sees("Share with the patient")
        with box.storage.transaction():
            box.storage.studies.remove_study(uid)
        await console.press("enter")
        await console.sees("There is no study")


async def test_a_fault_of_our_own_ends_with_a_sentence_and_the_particulars_in_a_file(box, monkeypatch, capsys):
    def broken(self) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(WorklistScreen, "on_mount", broken)
    app = PacsboxApp(box)
    with logging_to_file(box) as log:
        await app.run_async(headless=True, size=(80, 24))
    assert app.return_code == 1
    said = capsys.readouterr()
    assert "The console has stopped because of a fault of its own." in said.err + said.out
    assert "Traceback" not in said.err + said.out
    assert "broken on purpose" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0
