"""Header values as foreign files really have them: absent, empty, malformed, several for one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from math import isfinite

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag

from appliance.dicom.source import FAULTS


def value(dataset: Dataset, keyword: str | int) -> object:
    """The value, named by keyword or tag, as pydicom has it; None where absent or unreadable."""
    tag = _tag(keyword)
    if tag not in dataset.keys():  # noqa: SIM118 - `in dataset` makes a tag of it first, and most are absent
        return None
    try:
        return dataset[tag].value
    except FAULTS:
        return None


@cache
def _tag(keyword: str | int) -> BaseTag:
    return Tag(keyword)


def numbers(dataset: Dataset, keyword: str | int) -> list[float]:
    """All values as finite numbers; empty if any is not."""
    found = value(dataset, keyword)
    try:
        many = [float(one) for one in (found if isinstance(found, (MultiValue, list)) else [found])]  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return []
    return many if all(isfinite(one) for one in many) else []


def number(dataset: Dataset, keyword: str | int) -> float | None:
    """The first number."""
    return next(iter(numbers(dataset, keyword)), None)


def text(dataset: Dataset, keyword: str | int) -> str:
    """The first value as text in capitals, as code strings are compared."""
    found = value(dataset, keyword)
    first = next(iter(found), "") if isinstance(found, (MultiValue, list)) else found
    return str(first or "").strip(" \0").upper()


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """A sequence's items."""
    found = value(dataset, keyword)
    return list(found) if isinstance(found, Sequence) else []


def of_frame(header: Dataset, frame: int, macro: str) -> Iterator[Dataset]:
    """Where an attribute of frame `frame` (from 1) may stand, the nearest first (PS3.3 C.7.6.16).

    `macro` is the keyword of the functional group's sequence; the header itself comes last.
    """
    per_frame = items(header, "PerFrameFunctionalGroupsSequence")[frame - 1 : frame]
    for group in (*per_frame, *items(header, "SharedFunctionalGroupsSequence")[:1]):
        yield from items(group, macro)[:1]
    yield header
