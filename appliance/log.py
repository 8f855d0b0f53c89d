"""Logging for the services: one line an event to stderr, where journald adds the time."""

from __future__ import annotations

import logging
import sys
from typing import Literal

Level = Literal["debug", "info", "warning", "error"]


def to_stderr(level: Level, service: str) -> None:
    """Send all log records to stderr; with times when a person watches, bare for journald."""
    time = "%(asctime)s " if sys.stderr.isatty() else ""
    logging.basicConfig(
        stream=sys.stderr,
        level=level.upper(),
        format=f"{time}{service}: %(levelname)s %(message)s",
        force=True,
    )
    # Both log every PDU and every query, names included, at the levels that we leave open.
    logging.getLogger("pynetdicom").setLevel(logging.ERROR)
    logging.getLogger("pydicom").setLevel(logging.ERROR)
