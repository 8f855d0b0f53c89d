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
    for handler in logging.getLogger().handlers:
        handler.addFilter(_is_ours_or_grave)


def _is_ours_or_grave(record: logging.LogRecord) -> bool:
    """Both libraries tell of every odd value and PDU, names included; and set their own levels when imported."""
    return record.levelno >= logging.ERROR or not record.name.startswith(("pydicom", "pynetdicom"))
