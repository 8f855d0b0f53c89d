"""The console: what the front desk sees of the box."""

from __future__ import annotations

import asyncio
import logging
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar

from textual import work
from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.reactive import reactive
from textual.screen import Screen
from textual.scrollbar import ScrollBar

from appliance.box import Box
from appliance.errors import PacsboxError
from tui import feed, pulse, theme
from tui.backstage import Backstage
from tui.commands import commands, possible
from tui.feed import Feed, Sight
from tui.logfile import logging_to_file
from tui.messages import IndexMoved, IndexReplaced
from tui.pulse import Pulse
from tui.screens.attention import AttentionScreen
from tui.screens.confirm import Confirm
from tui.screens.desk import Desk
from tui.screens.help import HelpScreen
from tui.screens.orders import OrdersScreen
from tui.screens.peers import PeersScreen
from tui.screens.performed_steps import PerformedStepsScreen
from tui.screens.shares import SharesScreen
from tui.screens.transfers import TransfersScreen
from tui.screens.worklist import WorklistScreen
from tui.widgets.listing import Listing
from tui.widgets.scrollbar import PlainBar

log = logging.getLogger(__name__)

_LAST_WORDS = 5
"""Seconds that the console has to close once its terminal is gone."""
_KEYS = {"enter": "Enter", "escape": "Esc", "slash": "/", "question_mark": "?", "exclamation_mark": "!"}
_SCREENS: dict[str, type[Desk]] = {
    "shares": SharesScreen,
    "transfers": TransfersScreen,
    "peers": PeersScreen,
    "attention": AttentionScreen,
    "orders": OrdersScreen,
    "steps": PerformedStepsScreen,
}


class PacsboxApp(App[None]):
    """The console of one box."""

    TITLE = "pacsbox"
    CSS_PATH = "pacsbox.tcss"
    ALLOW_SELECT = False
    BINDINGS = [
        Binding("f1,question_mark", "help", "Help", tooltip="What the keys of this screen do"),
        Binding("f2", "go('shares')", "Shares", tooltip="All links that patients have"),
        Binding("f3", "go('transfers')", "Transfers", tooltip="What is sent to other clinics, and how far it is"),
        Binding("f4", "go('peers')", "Peers", tooltip="The clinics that the box may send to"),
        Binding("exclamation_mark,f5", "go('attention')", "Attention", show=False, tooltip="What needs a person"),
        Binding("f6", "go('orders')", "Orders", show=False, tooltip="What modalities are told to do (worklist)"),
        Binding("f7", "go('steps')", "Performed", show=False, tooltip="What modalities reported (performed steps)"),
        Binding("ctrl+q,ctrl+c", "close", "Close", show=False, priority=True, tooltip="Close the console"),
    ]
    COMMAND_PALETTE_DISPLAY: ClassVar[str | None] = "Ctrl+P"

    pulse: reactive[Pulse | None] = reactive(None)
    """How the box is."""
    trouble: reactive[str] = reactive("")
    """Why the index can't be read; empty as long as it can."""

    def __init__(self, box: Box, leaving: str = "") -> None:
        super().__init__()
        self._leaving = leaving or "Studies, links and transfers stay as they are."
        self.backstage = Backstage(box)
        self._feed = Feed()
        fitting = theme.fitting(self.console.color_system)
        self.register_theme(fitting)
        self.theme = fitting.name
        ScrollBar.renderer = PlainBar

    def get_default_screen(self) -> Screen[Any]:
        """The worklist, below everything else."""
        return WorklistScreen(self.backstage)

    def on_mount(self) -> None:
        """Follow the box."""
        if threading.current_thread() is threading.main_thread():
            # So that the terminal is left as it was found; and where it is gone we go too, though whoever started
            # us ignores that.
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.exit)
            signal.signal(signal.SIGHUP, partial(_hang_up, asyncio.get_running_loop(), self.exit))
            if sys.__stdin__ and sys.__stdin__.isatty():
                threading.Thread(target=_watch_terminal, args=(sys.__stdin__.fileno(),), daemon=True).start()
        self._follow()
        self._watch_over()

    async def on_unmount(self) -> None:
        """Let go of the box."""
        await self.backstage.close()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGHUP, signal.SIG_DFL)

    @work(group="feed")
    async def _follow(self) -> None:
        """Tell the screens as soon as the index has moved on."""
        while True:
            try:
                self._tell(await self.backstage.look(self._feed.look))
                self.trouble = ""
            except PacsboxError as fault:
                self.trouble = " ".join(part for part in (str(fault), fault.hint) if part)
                await asyncio.sleep(feed.PATIENCE)
            await asyncio.sleep(feed.INTERVAL)

    def _tell(self, sight: Sight) -> None:
        if sight is not Sight.SAME:
            for screen in self.screen_stack:
                screen.post_message(IndexMoved() if sight is Sight.MOVED else IndexReplaced())

    @work(group="pulse")
    async def _watch_over(self) -> None:
        """Take the pulse now and then."""
        while True:
            try:
                self.pulse = await self.backstage.feel(pulse.take)
            except (PacsboxError, OSError) as fault:
                log.warning("the box's state cannot be read: %s", fault)
            await asyncio.sleep(pulse.INTERVAL)

    def action_go(self, name: str) -> None:
        """To one of the screens above the worklist."""
        while len(self.screen_stack) > 2:
            self.pop_screen()
        if isinstance(self.screen, _SCREENS[name]):
            return
        if len(self.screen_stack) == 2:
            self.pop_screen()
        self.push_screen(_SCREENS[name](self.backstage))

    def action_help(self) -> None:
        """The keys of the screen in front."""
        screen = self.screen
        about = screen.NAME if isinstance(screen, Desk) else "this box"
        rows = bool(screen.query(Listing))
        self.push_screen(HelpScreen(about, list(commands(screen)), rows=rows))

    def action_close(self) -> None:
        """Close the console; asked twice, without another word."""
        if isinstance(self.screen, Confirm):
            self.exit()
            return
        question = Confirm("Close the console?", self._leaving, "Close")
        self.push_screen(question, lambda sure: self.exit() if sure else None)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The command palette: every key of the screen, by its name."""
        for command in possible(screen):
            key = f"{command.label}: {', '.join(command.keys)}"
            yield SystemCommand(command.explanation, key, self._runner(command.action, command.node))

    def _runner(self, action: str, node: Any) -> Any:
        async def run_it() -> None:
            await self.run_action(action, node)

        return run_it

    def get_key_display(self, binding: Binding) -> str:
        """Keys as they are printed on keyboards."""
        key = _KEYS.get(binding.key, binding.key)
        if key.startswith("ctrl+"):
            return f"Ctrl+{key[5:].upper()}"
        return key.upper() if key[1:].isdigit() else key

    def _fatal_error(self) -> None:
        """A fault of our own: a sentence for who stands before it; the particulars, without values, to the log."""
        log.critical("the console has stopped", exc_info=True)
        self._exit_renderables.append(
            "The console has stopped because of a fault of its own. Nothing was lost: start it again.\n"
            f"What happened is written in {self.backstage.box.data_dir / 'log' / 'console.log'}."
        )
        self._close_messages_no_wait()


def _hang_up(loop: asyncio.AbstractEventLoop, leave: Callable[[], None], *_: object) -> None:
    """The terminal is gone: leave, if need be without the last words, for which Textual may wait for ever."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(_LAST_WORDS)
    # Not by the loop alone: it may be waiting already for somebody to read what it has written.
    loop.call_soon_threadsafe(leave)


def _watch_terminal(terminal: int) -> None:
    """Say it ourselves when the terminal is gone: the kernel tells only who leads its session, such as make."""
    hung_up = select.poll()
    hung_up.register(terminal, 0)
    hung_up.poll()
    os.kill(os.getpid(), signal.SIGHUP)


def run(box: Box, leaving: str = "") -> None:
    """Open the console, until it is closed; `leaving` says what that ends besides."""
    app = PacsboxApp(box, leaving)
    with logging_to_file(box):
        app.run()
    sys.exit(app.return_code or 0)
