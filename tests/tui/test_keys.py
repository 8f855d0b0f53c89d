"""Keys everywhere: help, the palette, going from screen to screen, leaving."""

from __future__ import annotations

from tests.support.files import brainix
from tui.screens.peers import PeersScreen
from tui.screens.shares import SharesScreen
from tui.screens.study import StudyScreen
from tui.screens.transfers import TransfersScreen
from tui.screens.worklist import WorklistScreen


async def test_help_tells_every_key_of_the_screen_in_words(opened, fill):
    fill(brainix()[:1])
    async with opened() as console:
        await console.press("enter", "question_mark")
        await console.sees("Keys: Studies")
        for key, words in (
            ("s", "Make a link and QR code for the patient"),
            ("t", "Send the study"),
            ("g, G", "first"),
        ):
            assert console.row(f" {key} ", words)
        await console.press("escape")
        assert isinstance(console.app.screen, WorklistScreen)


async def test_question_mark_is_a_letter_while_one_types(opened):
    async with opened() as console:
        await console.press("question_mark")
        assert console.app.focused.value == "?"
        await console.press("f1")
        await console.sees("Keys: Studies")


async def test_the_palette_knows_every_key_and_runs_it(opened, fill):
    fill(brainix()[:1])
    async with opened() as console:
        await console.sees("BRAINIX")
        await console.press("enter", "ctrl+p")
        await console.sees("Search for commands")
        await console.type("qr co")
        await console.sees("Make a link and QR code")
        await console.press("enter")
        await console.sees("Share with the patient")


async def test_the_palette_offers_only_what_is_possible(opened):
    async with opened() as console:
        await console.press("ctrl+p")
        await console.sees("All links that patients have")
        assert "Make a link" not in console.text


async def test_function_keys_go_from_screen_to_screen_without_piling_up(opened, fill):
    fill(brainix()[:1])
    async with opened() as console:
        await console.sees("BRAINIX")
        await console.press("enter", "enter")
        assert isinstance(console.app.screen, StudyScreen)
        for key, screen in (("f2", SharesScreen), ("f3", TransfersScreen), ("f4", PeersScreen), ("f2", SharesScreen)):
            await console.press(key)
            assert isinstance(console.app.screen, screen)
            assert len(console.app.screen_stack) == 2
        await console.press("f2", "escape")
        assert isinstance(console.app.screen, WorklistScreen)


async def test_closing_asks_once(opened):
    async with opened() as console:
        await console.press("ctrl+c")
        await console.sees("Close the console?")
        await console.press("escape")
        assert console.app.is_running
        await console.press("ctrl+c", "ctrl+c")
        await console.until(lambda: console.app._exit)


async def test_a_key_at_the_foot_can_be_clicked(opened):
    async with opened() as console:
        await console.sees("F2 Shares")
        at = console.lines[-1].index("Shares")
        await console.pilot.click(offset=(at, 23))
        await console.until(lambda: isinstance(console.app.screen, SharesScreen))


async def test_a_row_can_be_clicked_and_opened(opened, box, fill_with):
    fill_with(box, 5)
    async with opened() as console:
        await console.sees("Nr000002")
        at = next(y for y, line in enumerate(console.lines) if "Nr000002" in line)
        await console.pilot.click(offset=(10, at))
        await console.sees("> Nr000002")
        await console.press("enter")
        await console.pilot.click(offset=(10, at), times=2)
        await console.until(lambda: isinstance(console.app.screen, StudyScreen))
