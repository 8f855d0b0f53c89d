"""The worklist as the front desk uses it."""

from __future__ import annotations

import asyncio
import threading

from tests.support.files import PYDICOM, brainix, knee
from tui.news import CHUNK
from tui.screens.qr import QRScreen
from tui.screens.worklist import WorklistScreen
from tui.widgets.listing import Listing
from tui.widgets.search import SearchBox

CT = PYDICOM / "test_files" / "CT_small.dcm"


async def test_shows_what_is_there_newest_first(opened, fill):
    fill(brainix())
    fill(knee())
    async with opened() as console:
        await console.sees("BRAINIX", "1949-03-01", "2006-12-01", "MR", "44")
        names = [line.split()[0] for line in console.lines if "IRM" in line]
        assert names == ["KNEE", "BRAINIX"]


async def test_letters_go_to_the_search_from_the_start(opened, fill):
    fill(brainix()[:1])
    fill(knee()[:1])
    async with opened() as console:
        await console.sees("KNEE")
        await console.type("bra")
        await console.sees("> BRAINIX")
        await console.sees_no_more("KNEE")
        assert console.row("1 found")


async def test_three_letters_enter_s_ends_in_a_qr_code(opened, fill):
    fill(brainix()[:1])
    fill(knee()[:1])
    async with opened() as console:
        await console.press("b", "r", "a", "enter", "s")
        await console.sees("Share with the patient")
        assert console.row("BRAINIX") and console.row("born 1949-03-01")
        await console.press("enter")
        await console.until(lambda: isinstance(console.app.screen, QRScreen))
        assert console.row("BRAINIX")


async def test_enter_waits_for_what_was_typed_before_it(opened, fill):
    fill(brainix()[:1])
    fill(knee()[:1])
    async with opened() as console:
        await console.sees("KNEE")
        for key in ("b", "r", "a", "enter", "enter"):  # in one burst, as a barcode reader sends it
            console.app.simulate_key(key)
        await console.sees("Requested by")
        assert console.row("Patient", "BRAINIX")


async def test_search_needs_no_diacritics(opened, fill):
    fill(sorted((PYDICOM / "charset_files").glob("*.dcm")))
    async with opened() as console:
        await console.type("aneas rud")
        await console.sees("> Äneas, Rüdiger")
        assert console.row("1 found")


async def test_search_that_finds_nothing_says_so_and_stays_in_the_box(opened, fill):
    fill(brainix()[:1])
    async with opened() as console:
        await console.type("zzz")
        await console.press("enter")
        await console.sees("Nothing found for zzz.")
        assert isinstance(console.app.focused, SearchBox)


async def test_escape_makes_ready_for_the_next_patient(opened, fill):
    fill(brainix()[:1])
    fill(knee()[:1])
    async with opened() as console:
        await console.type("bra")
        await console.press("enter")
        await console.sees_no_more("KNEE")
        await console.press("escape")
        await console.sees("KNEE")
        assert console.app.focused.value == ""
        await console.type("kne")
        await console.sees("> KNEE")


async def test_keys_move_in_the_list(opened, box, fill_with):
    fill_with(box, 50)
    async with opened() as console:
        await console.sees("Nr000049")
        await console.press("enter", "j", "j", "k", "down")
        assert console.row("> Nr000047")
        await console.press("G")
        assert console.row("> Nr000000")
        await console.press("g")
        assert console.row("> Nr000049")
        await console.press("pagedown", "pagedown")
        assert not console.row("Nr000049")
        await console.press("pageup", "pageup")
        assert console.row("> Nr000049")


async def test_arrows_choose_while_one_types(opened, box, fill_with):
    fill_with(box, 30)
    async with opened() as console:
        await console.type("nr00001")
        await console.sees("> Nr000019")
        await console.press("down", "down")
        assert console.row("> Nr000017")
        assert isinstance(console.app.focused, SearchBox)


async def test_a_study_appears_within_a_second_of_its_first_image(opened, fill):
    async with opened() as console:
        await console.sees("No studies yet")
        took = []
        for name, files in (("BRAINIX", brainix()), ("KNEE", knee()), ("Compressed", [CT])):
            await asyncio.to_thread(fill, files[:1])
            took.append(await console.sees(name, " 1 now"))
        assert min(took) < 1  # as soon as the machine lets it


async def test_it_counts_up_while_images_come(opened, box, fill):
    async with opened() as console:
        seen = set()
        files = brainix()
        done = threading.Event()

        def arrive():
            for start in range(0, len(files), 11):
                fill(files[start : start + 11])
            box.close()
            done.set()

        thread = threading.Thread(target=arrive)
        thread.start()
        while not console.row("BRAINIX", " 44 now"):
            if row := console.row("BRAINIX"):
                seen.add(row.split()[-2])
            await console.until(lambda: True)
            if done.is_set():
                await console.sees("BRAINIX", " 44 now")
        await asyncio.to_thread(thread.join)
        assert seen <= {"1", "11", "22", "33", "44"}


async def test_new_arrivals_leave_the_chosen_study_chosen(opened, box, fill, fill_with):
    fill_with(box, 40)
    async with opened() as console:
        await console.sees("Nr000039")
        await console.press("enter", *"jjj")
        assert console.row("> Nr000036")
        fill(brainix()[:2])
        await console.sees("BRAINIX")
        assert console.row("> Nr000036")
        await console.press("s")
        await console.sees("Share with the patient")
        assert console.row("│ ", "Nr000036")


async def test_new_arrivals_do_not_move_what_one_reads_further_down(opened, box, fill, fill_with):
    fill_with(box, 100)
    async with opened() as console:
        await console.sees("Nr000099")
        await console.press("enter", "pagedown", "pagedown", "pagedown")
        before = [line for line in console.lines if "Nr0" in line]
        fill(brainix()[:1])
        await console.sees("101 studies")
        assert [line for line in console.lines if "Nr0" in line] == before


async def test_scrolling_loads_more_and_never_all(opened, box, fill_with):
    fill_with(box, 5000)
    async with opened() as console:
        await console.sees("200+ studies")
        assert len(console.app.screen.query_one(Listing).rows) == CHUNK
        await console.press("enter")
        for already in range(1, 6):
            await console.press("G")
            await console.sees(f"{CHUNK * (already + 1):,}+ studies")
        for _ in range(10):
            await console.press("pageup")
        assert console.row("> ")
        rows = console.app.screen.query_one(Listing).rows
        assert [row.patient_id for row in rows] == [f"P{number:06}" for number in range(4999, 4999 - len(rows), -1)]


async def test_the_end_of_a_long_list_is_told(opened, box, fill_with):
    fill_with(box, CHUNK + 50)
    async with opened() as console:
        await console.sees(f"{CHUNK}+ studies")
        await console.press("enter", "G")
        await console.sees(f"{CHUNK + 50} studies")
        await console.press("G")
        assert console.row("> Nr000000")


async def test_at_200_columns_there_is_more_to_see(opened, fill):
    fill(brainix())
    async with opened((200, 60)) as console:
        await console.sees("BRAINIX", "5Yp0E", "IRM cérébrale, neuro-crâne")


async def test_without_a_study_nothing_can_be_shared(opened):
    async with opened() as console:
        await console.sees("No studies yet")
        await console.press("enter", "escape")
        assert isinstance(console.app.screen, WorklistScreen)
        assert not console.row("s Share")
