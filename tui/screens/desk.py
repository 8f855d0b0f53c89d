"""What every screen of the console has: the core behind it, errors as notices, rows that stay true."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.css.query import NoMatches
from textual.screen import ModalScreen, Screen
from textual.widgets import Label

from appliance.box import Box
from appliance.errors import IndexUnavailableError
from tui.backstage import Backstage
from tui.messages import IndexMoved, IndexReplaced
from tui.notices import EXPECTED, in_words
from tui.screens.confirm import Confirm
from tui.widgets.keys import KeyLine
from tui.widgets.status import Banner, StatusLine

T = TypeVar("T")
R = TypeVar("R")

_SETTLE = 3.0
"""Seconds that a key waits for rows that are being read."""


class Reading(Screen[R]):
    """A screen with the core behind it; it reads when it opens and whenever the index has moved on."""

    def __init__(self, backstage: Backstage) -> None:
        super().__init__()
        self.backstage = backstage
        self._stale = False
        self._idle = asyncio.Event()
        self._idle.set()

    def on_mount(self) -> None:
        """Read for the first time."""
        self.reload()

    def on_index_moved(self, _message: IndexMoved) -> None:
        """Read again."""
        self.reload()

    def on_index_replaced(self, _message: IndexReplaced) -> None:
        """Read again."""
        self.reload()

    async def read(self) -> None:
        """Ask the core with `backstage.look`, then show the answer. Raises `IndexUnavailableError`."""

    def reload(self) -> None:
        """Read soon; asked often while it reads, it reads once more."""
        self._stale = True
        if self._idle.is_set():
            self._idle.clear()
            self._read_on()

    @work(group="reading")
    async def _read_on(self) -> None:
        try:
            while self._stale:
                self._stale = False
                await self.read()
        except IndexUnavailableError:
            pass  # the banner says so, and the feed has us read again when it is back
        except NoMatches:
            if self.is_attached and self.app.is_running:
                raise
            # What was to show it is taken away: the screen closes.
        finally:
            self._idle.set()

    async def settled(self) -> bool:
        """Wait until what is shown is what was asked for; False when the index keeps us waiting."""
        try:
            await asyncio.wait_for(self._idle.wait(), _SETTLE)
        except TimeoutError:
            self.say("The list is still being read. Please try again.", "warning")
            return False
        return True

    async def change(self, work: Callable[[Box], T]) -> T | None:
        """Have the core change something; what hinders it becomes a notice, and the answer None.

        Only from a worker: it may take as long as another process holds the index, and keys must not wait.
        """
        try:
            return await self.backstage.do(work)
        except EXPECTED as fault:
            self.say(in_words(fault), "error")
            return None

    def ask_first(self, question: str, explanation: str, deed: str, do: Callable[[], object]) -> None:
        """Do it when staff say that they mean it; `deed` is what their key does, in a word or two."""

        def answered(sure: bool | None) -> None:
            if sure:
                do()

        self.app.push_screen(Confirm(question, explanation, deed), answered)

    def say(self, text: str, severity: Any = "information") -> None:
        """A notice; never markup, for it may hold what came from outside."""
        self.notify(text, severity=severity, markup=False, timeout=10 if severity == "error" else 5)


class Desk(Reading[None]):
    """A screen of full size: title, body, banner, status line, keys."""

    NAME = ""

    def compose(self) -> ComposeResult:
        """The frame; `body` fills it."""
        with Horizontal(classes="title"):
            yield Label(self.NAME, classes="name")
            yield from self.headline()
        yield from self.body()
        yield Banner(classes="banner", markup=False)
        yield StatusLine(classes="status", markup=False)
        yield KeyLine()

    def headline(self) -> ComposeResult:
        """What stands beside the title."""
        yield Label("", id="headline", markup=False)

    def body(self) -> ComposeResult:
        """What the screen is for."""
        yield from ()

    def action_back(self) -> None:
        """To the screen below."""
        self.dismiss()


class Dialog(Reading[R], ModalScreen[R]):
    """A box in front of the screen that it concerns."""

    def action_back(self) -> None:
        """Close it, with nothing done."""
        self.dismiss()
