"""How far something is, as a bar and in numbers."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static

_NUMBERS = 22
"""Cells for `1,234 of 1,234 images`."""


class Bar(Static):
    """`████████········ 12 of 44 images`"""

    COMPONENT_CLASSES = {"bar--done", "bar--left"}

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._done, self._total, self._of = 0, 0, ""

    def show(self, done: int, total: int, of: str) -> None:
        """`of` is the total in words."""
        self._done, self._total, self._of = done, total, of
        self.refresh()

    def render(self) -> Text:
        """As wide as it may be."""
        width = max(10, self.size.width - _NUMBERS)
        filled = width * self._done // self._total if self._total else 0
        return Text.assemble(
            ("█" * filled, self.get_component_rich_style("bar--done", partial=True)),
            ("·" * (width - filled), self.get_component_rich_style("bar--left", partial=True)),
            f" {self._done:,} of {self._of}",
            no_wrap=True,
        )
