"""A list of rows: draws only what is seen, and stays on the chosen row whatever is inserted above it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.widgets.columns import Column, fitted, gap, layout

T = TypeVar("T")

_MARKER = "> "
_HEAD = 1
"""Lines that the column titles take."""
_AHEAD = 60
"""Rows before the end at which more are asked for."""


class Listing(ScrollView, Generic[T], can_focus=True):
    """Rows of `T`, one of which may be chosen. Its titles stay while it scrolls; it is never wider than its place."""

    BINDINGS = [
        Binding("down,j", "step(1)", "Next row", show=False),
        Binding("up,k", "step(-1)", "Row before", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "A page down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "A page up", show=False),
        Binding("home,g", "first", "First row", show=False),
        Binding("end,G", "last", "Last row", show=False),
    ]
    COMPONENT_CLASSES = {
        "listing--title",
        "listing--row",
        "listing--marked",
        "listing--good",
        "listing--quiet",
        "listing--warn",
        "listing--bad",
        "listing--fresh",
    }

    class Marked(Message):
        """Another row is chosen, or the chosen one has changed."""

    class NearEnd(Message):
        """The last rows come into sight: there may be more."""

    def __init__(
        self, columns: Sequence[Column[T]], key: Callable[[T], str], *, name: str, empty: str = "Reading ..."
    ) -> None:
        """`key` tells rows apart; `empty` is said where there are none."""
        super().__init__(id=name)
        self.columns = columns
        self.rows: list[T] = []
        self.empty = empty
        self._key = key
        self._at: int | None = None

    @property
    def chosen(self) -> T | None:
        """The row that is marked."""
        return self.rows[self._at] if self._at is not None and self._at < len(self.rows) else None

    def show(self, rows: Sequence[T], *, mark: bool = True) -> None:
        """Show `rows`; the chosen one stays chosen and in its place. `mark` chooses the first if none was."""
        before, known = self._at, self.chosen
        self.rows = list(rows)
        self._at = self._found(known) if known is not None else None
        if self._at is None and self.rows and (mark or known is not None):
            self._at = min(before or 0, len(self.rows) - 1)
        self._resize()
        if before is not None and self._at is not None:
            self._keep_in_place(self._at - before)
        self.refresh()
        self.post_message(self.Marked())

    def unmark(self) -> None:
        """Choose nothing, and show the top."""
        self._at = None
        self.scroll_to(y=0, animate=False, immediate=True)
        self.refresh()
        self.post_message(self.Marked())

    def mark(self, at: int) -> None:
        """Choose row number `at`, or the nearest there is."""
        if not self.rows:
            return
        self._at = max(0, min(at, len(self.rows) - 1))
        self._bring_into_sight()
        self.refresh()
        self.post_message(self.Marked())
        if self._at >= len(self.rows) - _AHEAD:
            self.post_message(self.NearEnd())

    def action_step(self, by: int) -> None:
        """One row on."""
        self.mark(0 if self._at is None else self._at + by)

    def action_page(self, by: int) -> None:
        """A screenful on."""
        self.mark((self._at or 0) + by * max(1, self._window - 1))

    def action_first(self) -> None:
        """To the newest."""
        self.mark(0)

    def action_last(self) -> None:
        """To the end of what is loaded."""
        self.mark(len(self.rows) - 1)

    def on_resize(self) -> None:
        """The columns follow the width."""
        self._resize()
        if self._at is not None:
            self._bring_into_sight()

    def on_click(self, event: events.Click) -> None:
        """A click chooses a row, a second one opens it."""
        at = event.y - _HEAD + self.scroll_offset.y
        if event.y < _HEAD or at >= len(self.rows):
            return
        if at == self._at and event.chain > 1:
            self.app.simulate_key("enter")
        else:
            self.mark(at)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """The wheel reaches the end too."""
        super().watch_scroll_y(old_value, new_value)
        if new_value + self._window >= len(self.rows) - _AHEAD and new_value > old_value:
            self.post_message(self.NearEnd())

    @property
    def _width(self) -> int:
        """Cells beside the scroll bar."""
        return self.scrollable_content_region.width

    @property
    def _window(self) -> int:
        """Rows that are seen at a time."""
        return max(1, self.size.height - _HEAD)

    def _found(self, row: T) -> int | None:
        wanted = self._key(row)
        return next((at for at, each in enumerate(self.rows) if self._key(each) == wanted), None)

    def _resize(self) -> None:
        self.virtual_size = Size(self._width, len(self.rows) + _HEAD)

    def _keep_in_place(self, shift: int) -> None:
        """At the top, let new rows be seen as long as the chosen one is; further down, let nothing move."""
        top = self.scroll_offset.y
        if top:
            self.scroll_to(y=top + shift, animate=False, immediate=True)
        self._bring_into_sight()

    def _bring_into_sight(self) -> None:
        assert self._at is not None
        top = self.scroll_offset.y
        wanted = min(max(top, self._at - self._window + 1), self._at)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False, immediate=True)

    def render_line(self, y: int) -> Strip:
        """The titles, a row, or nothing."""
        width = self._width
        plain = self._style("row")
        if y < _HEAD:
            return self._titles(width)
        at = self.scroll_offset.y + y - _HEAD
        if at < len(self.rows):
            return self._row(at, width)
        if not self.rows and self.empty and y == _HEAD + 1:
            return Strip([Segment(fitted("  " + self.empty, width), self._style("quiet"))], width)
        return Strip([Segment(" " * width, plain)], width)

    def _titles(self, width: int) -> Strip:
        text = gap(self._inner(width)).join(
            fitted(column.title, own, right=column.right) for column, own in layout(self.columns, self._inner(width))
        )
        return Strip([Segment(fitted("  " + text, width), self._style("title"))], width)

    def _row(self, at: int, width: int) -> Strip:
        marked = at == self._at
        base = self._style("marked" if marked else "row")
        segments = [Segment(_MARKER if marked else " " * len(_MARKER), base)]
        space = Segment(gap(self._inner(width)), base)
        for column, own in layout(self.columns, self._inner(width)):
            cell = column.cell(self.rows[at])
            text, tone = (cell, "") if isinstance(cell, str) else cell
            # On the chosen row, quiet words would be too quiet to read.
            style = base + Style(color=self._style(tone).color) if tone and not (marked and tone == "quiet") else base
            segments += [Segment(fitted(text, own, right=column.right), style), space]
        return Strip(segments).adjust_cell_length(width, base)

    def _inner(self, width: int) -> int:
        """What the columns share: without the marker and a margin."""
        return width - len(_MARKER) - 1

    def _style(self, part: str) -> Style:
        return self.get_component_rich_style(f"listing--{part}")
