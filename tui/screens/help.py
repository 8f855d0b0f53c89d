"""Help: what each key of the screen behind it does."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.commands import Command
from tui.widgets.keys import KeyLine

_KEYS = 16
_MOVING = (
    ("j k, arrows", "To the next row, or the one before"),
    ("g, G", "To the first row, or the last"),
    ("PgUp, PgDn", "A page up or down"),
)
_PALETTE = ("Ctrl+P", "Search for what you want to do")


class HelpScreen(ModalScreen[None]):
    """A table of keys."""

    BINDINGS = [Binding("escape,enter,q,f1,question_mark", "close", "Close")]

    def __init__(self, about: str, commands: Sequence[Command], *, rows: bool) -> None:
        """`rows`: whether the screen has a list to move in."""
        super().__init__()
        self._about = about
        self._commands = commands
        self._rows = rows

    def compose(self) -> ComposeResult:
        """The keys, one a line."""
        with Vertical(classes="box"):
            yield Static(f"Keys: {self._about}", classes="question", markup=False)
            with VerticalScroll(can_focus=False):
                yield Static(self._table(), markup=False)
            yield KeyLine()

    def _table(self) -> Text:
        own = [command for command in self._commands if command.node is not self.app]
        everywhere = [command for command in self._commands if command.node is self.app]
        text = Text()
        for keys, explanation in (*_lines(own), *(_MOVING if self._rows else ()), *_lines(everywhere), _PALETTE):
            text.append(f"{keys:<{_KEYS}}", "bold")
            text.append(f"{explanation}\n")
        return text[:-1]

    def action_close(self) -> None:
        """Back."""
        self.dismiss()


def _lines(commands: Sequence[Command]) -> list[tuple[str, str]]:
    return [(", ".join(command.keys), command.explanation) for command in commands]
