"""Dates as people type them."""

from __future__ import annotations

import pytest

from tests.support.files import brainix, knee
from tui.dates import searchable


@pytest.mark.parametrize(
    ("typed", "sought"),
    [
        ("1975-03-12", "19750312"),
        ("1975-3-2", "19750302"),
        ("12.03.1975", "19750312"),
        ("2.3.1975", "19750302"),
        ("12/03/1975", "19750312"),
        ("03/25/1975", "19750325"),
        ("1975-", "1975"),
        ("1975-0", "19750"),
        ("1975-03", "197503"),
        ("1975-03-", "197503"),
        ("19750312", "19750312"),
        ("müller  12.3.1975", "müller 19750312"),
        ("A-12.5", "A-12.5"),
        ("12.03.75", "12.03.75"),
        ("", ""),
    ],
)
def test_become_what_the_index_holds(typed, sought):
    assert searchable(typed) == sought


async def test_a_birth_date_finds_its_patient(opened, fill):
    fill(brainix()[:1])
    fill(knee()[:1])
    async with opened() as console:
        await console.sees("KNEE")
        await console.type("1.3.1949")
        await console.sees("> BRAINIX")
        assert console.row("1 found")
