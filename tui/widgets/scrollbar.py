"""A scroll bar of whole characters: virtual terminals have no finer ones."""

from __future__ import annotations

from textual.scrollbar import ScrollBarRender


class PlainBar(ScrollBarRender):
    """No eighths of a block at its ends."""

    VERTICAL_BARS = [" "]
    HORIZONTAL_BARS = [" "]
