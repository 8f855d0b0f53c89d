"""Columns always fit."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from tui.widgets.columns import Column, fitted, gap, layout

COLUMNS = [
    Column("Name", str, weight=3, most=40),
    Column("Date", str, 10),
    Column("More", str, weight=2),
    Column("Wide", str, 12, least=120),
]


@pytest.mark.parametrize("width", range(40, 260, 7))
def test_they_fill_their_width_exactly(width):
    laid = layout(COLUMNS, width)
    assert sum(own for _, own in laid) + len(gap(width)) * (len(laid) - 1) == width


def test_some_are_for_wide_screens_only():
    assert [column.title for column, _ in layout(COLUMNS, 76)] == ["Name", "Date", "More"]
    assert [column.title for column, _ in layout(COLUMNS, 196)] == ["Name", "Date", "More", "Wide"]


def test_one_that_may_not_grow_leaves_its_part_to_the_others():
    assert {column.title: own for column, own in layout(COLUMNS, 196)}["Name"] == 40


@pytest.mark.parametrize("width", [1, 2, 5, 8, 20])
@pytest.mark.parametrize("text", ["", "Anna", "Müller, Anna", "山田 太郎さん", "e\u0301te\u0301 e\u0301te\u0301"])
@pytest.mark.parametrize("right", [False, True])
def test_text_takes_exactly_its_cells(text, width, right):
    assert cell_len(fitted(text, width, right=right)) == width


def test_what_is_cut_off_shows():
    assert fitted("Müller, Anna", 8) == "Müller,…"
    assert fitted("7", 3, right=True) == "  7"
