"""Dates as people type them into a search, made like those that the index holds: `YYYYMMDD`."""

from __future__ import annotations

import re

_YEAR_FIRST = re.compile(r"(\d{4})[-./](\d{1,2})[-./](\d{1,2})")
_DAY_FIRST = re.compile(r"(\d{1,2})[-./](\d{1,2})[-./](\d{4})")
_BEGUN = re.compile(r"(\d{4})[-./](\d{0,2})[-./]?")


def searchable(text: str) -> str:
    """`müller 12.3.1975` -> `müller 19750312`; a date that is not whole yet gives its beginning."""
    return " ".join(map(_date, text.split()))


def _date(word: str) -> str:
    if match := _YEAR_FIRST.fullmatch(word):
        year, month, day = match.groups()
    elif match := _DAY_FIRST.fullmatch(word):
        day, month, year = match.groups()
        if int(month) > 12 >= int(day):  # the American way
            day, month = month, day
    elif match := _BEGUN.fullmatch(word):
        return match[1] + match[2]
    else:
        return word
    return f"{year}{int(month):02}{int(day):02}"
