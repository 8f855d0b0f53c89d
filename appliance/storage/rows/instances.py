"""What the index says of an instance, for whoever asks after its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Kept:
    """What the index says of an instance's bytes."""

    digest: str
    """BLAKE3 of the data set, hex; empty where an older pacsbox entered it."""
    blob_key: str
    size: int
    """Bytes of the file."""


@dataclass(frozen=True)
class Held:
    """What the index says of an instance, for whoever wants to know whether we really have it."""

    sop_class_uid: str
    blob_key: str
    size: int
    """Bytes of the file."""
    digest: str
    """Of the data set, as `dicom.header.digest` makes it."""


class Stored(NamedTuple):
    """An instance of many as a file, for whoever hands all of them on."""

    sop_instance_uid: str
    series_instance_uid: str
    transfer_syntax_uid: str
    blob_key: str
    size: int
    """Bytes of the file."""
    received: str
    """UTC, ISO 8601."""


class Arrived(NamedTuple):
    """An instance of many, for whoever needs no more of each."""

    sop_instance_uid: str
    received: str
    """UTC, ISO 8601."""
