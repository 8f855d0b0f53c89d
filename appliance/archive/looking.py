"""Searching by keys for which the index has no column: the metadata of instances are looked into."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import orjson

from appliance.dicom.attributes import Level
from appliance.dicom.json import Json
from appliance.dicom.matching import PLAIN, Manner, matcher
from appliance.errors import PacsboxError
from appliance.storage.contract import Studies

_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
SECONDS = 3.0
"""What a search may cost."""


class TooBroadError(PacsboxError):
    """The search would take too long; the message says how to narrow it."""


class Look:
    """One search's look into metadata."""

    def __init__(self, studies: Studies, keys: Json, manner: Manner = PLAIN) -> None:
        """Raises ValueError where a key can't be right."""
        self._studies = studies
        self._matches = matcher(keys, manner)
        self._left = SECONDS

    def into(self, row: Mapping[str, Any], level: Level) -> Json | None:
        """The metadata of an instance of what the row is about that matches, if there is one.

        Raises `TooBroadError`.
        """
        began = time.monotonic()
        try:
            for metadata in self._studies.metadata(*uids(row, level)):
                if time.monotonic() - began > self._left:
                    raise TooBroadError(
                        "The search would look into too many instances: add keys such as PatientID or StudyDate."
                    )
                model: Json = orjson.loads(metadata)
                if self._matches(model):
                    return model
        finally:
            self._left -= time.monotonic() - began
        return None


def example(studies: Studies, row: Mapping[str, Any], level: Level) -> bytes:
    """The metadata of an instance of what the row is about, as JSON; an empty object when it has gone meanwhile."""
    known = uids(row, level)
    found = studies.metadata_of(known[2:]) if level is Level.INSTANCE else [studies.example(*known) or b"{}"]
    return found[0] if found else b"{}"


def uids(row: Mapping[str, Any], level: Level) -> list[str]:
    """Those of what the row is about, from the study's on."""
    return [row[keyword] for keyword in _UIDS[: 1 + list(Level).index(level)]]
