"""The search box: letters go here, the arrows move in the list below."""

from __future__ import annotations

from textual.binding import Binding
from textual.widgets import Input


class SearchBox(Input):
    """One line to type in."""

    BINDINGS = [
        # First of all: in a burst of keys, as a barcode reader or a quick hand makes, `s` after Enter is no letter.
        Binding("enter", "screen.to_list", "To the list", priority=True),
        Binding("escape", "screen.clear", "Clear"),
        Binding("down", "screen.step(1)", "Down", show=False),
        Binding("up", "screen.step(-1)", "Up", show=False),
        Binding("pagedown", "screen.page(1)", "Page down", show=False),
        Binding("pageup", "screen.page(-1)", "Page up", show=False),
    ]

    def __init__(self, placeholder: str) -> None:
        super().__init__(placeholder=placeholder, compact=True, id="search")
        self.cursor_blink = False
