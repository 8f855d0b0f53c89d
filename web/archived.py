"""Files of the archive, checked against what the index says of them before anyone waits for their bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from appliance.errors import PacsboxError
from appliance.storage.contract import Blobs


class Filed(Protocol):
    """What the index says of a file."""

    @property
    def blob_key(self) -> str:
        """Where it is."""

    @property
    def size(self) -> int:
        """Bytes of it."""


class ArchiveFaultError(PacsboxError):
    """A file that the index has is missing, or is not as long as it was: a fault of ours, which the log must tell."""

    def __init__(self, key: str, what: str) -> None:
        super().__init__(f"The archive's file {key} {what}.", "See `pacsbox doctor`, and the backups.")


def whole(blobs: Blobs, filed: Filed) -> Path:
    """The file, for reading. Raises `ArchiveFaultError`; it may block."""
    try:
        path = blobs.path(filed.blob_key)
        size = path.stat().st_size
    except FileNotFoundError as fault:
        raise ArchiveFaultError(filed.blob_key, "is missing") from fault
    if size != filed.size:
        raise ArchiveFaultError(filed.blob_key, f"has {size} bytes instead of {filed.size}")
    return path


def names(blobs: Blobs, filed: Sequence[Filed]) -> list[str]:
    """The names of files that all go out in one answer. Raises `ArchiveFaultError` for one that can't; may block."""
    found = blobs.names((each.blob_key, each.size) for each in filed)
    for place, name in enumerate(found):
        if not name:
            found[place] = str(whole(blobs, filed[place]))
    return found
