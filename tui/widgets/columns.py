"""Columns that always fit: fixed ones first, the rest shares what is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rich.cells import cell_len, set_cell_size

T = TypeVar("T")
Cell = str | tuple[str, str]
"""Text, or text and its tone: `good`, `quiet`, `warn`, `bad` or `fresh`."""

ROOMY = 100
"""From this width on, columns stand two cells apart."""


@dataclass(frozen=True)
class Column(Generic[T]):
    """One column of a listing."""

    title: str
    cell: Callable[[T], Cell]
    width: int = 0
    """In cells; 0 takes its part of what is left."""
    weight: int = 1
    """How large a part."""
    most: int = 1000
    """But never wider."""
    right: bool = False
    """Numbers stand at the right."""
    least: int = 0
    """Shown when the listing is at least so wide."""


def gap(width: int) -> str:
    """What stands between columns."""
    return "  " if width >= ROOMY else " "


def layout(columns: Sequence[Column[T]], width: int) -> list[tuple[Column[T], int]]:
    """The columns that fit in `width` cells, each with its own width."""
    shown = [column for column in columns if width >= column.least]
    free = width - len(gap(width)) * (len(shown) - 1) - sum(column.width for column in shown)
    # Those that may not grow first: what they leave is for the others.
    growing = sorted((column for column in shown if not column.width), key=lambda column: column.most)
    widths = {id(column): column.width for column in shown}
    for at, column in enumerate(growing):
        weights = sum(each.weight for each in growing[at:])
        widths[id(column)] = max(1, min(column.most, free * column.weight // weights))
        free -= widths[id(column)]
    return [(column, widths[id(column)]) for column in shown]


def fitted(text: str, width: int, *, right: bool = False) -> str:
    """`text` in exactly `width` cells; what is cut off shows."""
    length = cell_len(text)
    if length > width:
        text = set_cell_size(text, width - 1).rstrip() + "…" if width > 1 else "…"
        length = cell_len(text)
    padding = " " * (width - length)
    return padding + text if right else text + padding
