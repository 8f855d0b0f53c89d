"""Does the clock tell the time? A Raspberry Pi has none of its own, and links expire by it."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from appliance.box import Box
from appliance.dicom.model import moment
from appliance.errors import IndexUnavailableError
from appliance.health.finding import Finding, Severity

_TIME_ERROR = 5
"""What adjtimex(2) returns while nobody keeps the clock right."""
_TOLERANCE = timedelta(minutes=5)


def check(box: Box) -> Iterator[Finding]:
    """Against the newest event, and whether the kernel knows of a time source."""
    last = _last_event(box)
    now = datetime.now(UTC)
    if last and now < last - _TOLERANCE:
        yield Finding(
            Severity.PROBLEM,
            "clock",
            f"The clock says {now:%Y-%m-%d %H:%M} UTC, but the box was at work on {last:%Y-%m-%d %H:%M}.",
            "Set the clock, and see that the box reaches a time server.",
        )
    elif not _is_kept():
        yield Finding(
            Severity.NOTE,
            "clock",
            f"Nothing keeps the clock right; it says {now:%Y-%m-%d %H:%M} UTC.",
            "See that the box reaches a time server (`timedatectl`).",
        )
    else:
        yield Finding(Severity.OK, "clock", f"It is {now:%Y-%m-%d %H:%M} UTC, kept by a time server.")


def _last_event(box: Box) -> datetime | None:
    try:
        news = box.storage.events
        latest = news.since(news.last() - 1)
    except IndexUnavailableError:
        return None
    return moment(latest[-1].at) if latest else None


def _is_kept() -> bool:
    timex = ctypes.create_string_buffer(512)  # struct timex of zeros: a question, no change
    state: int = ctypes.CDLL(None).adjtimex(timex)
    return state not in (_TIME_ERROR, -1)
