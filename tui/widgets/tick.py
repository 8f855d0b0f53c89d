"""A box to tick, drawn with characters that every console has."""

from __future__ import annotations

from textual.widgets import Checkbox


class Tick(Checkbox):
    """`[x] like this`"""

    BUTTON_LEFT = "["
    BUTTON_INNER = "x"
    BUTTON_RIGHT = "]"
