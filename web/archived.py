"""Files of the archive, checked against what the index says of them before anyone waits for their bytes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from appliance.dicom.model import Instance
from appliance.errors import PacsboxError
from appliance.storage.contract import Blobs


class ArchiveFaultError(PacsboxError):
    """A file that the index has is missing, or is not as long as it was: a fault of ours, which the log must tell."""

    def __init__(self, key: str, what: str) -> None:
        super().__init__(f"The archive's file {key} {what}.", "See `pacsbox doctor`, and the backups.")


def whole(blobs: Blobs, instance: Instance) -> Path:
    """The instance's file, for reading. Raises `ArchiveFaultError`; it may block."""
    try:
        path = blobs.path(instance.blob_key)
        size = path.stat().st_size
    except FileNotFoundError as fault:
        raise ArchiveFaultError(instance.blob_key, "is missing") from fault
    if size != instance.size:
        raise ArchiveFaultError(instance.blob_key, f"has {size} bytes instead of {instance.size}")
    return path


def check(blobs: Blobs, instances: Iterable[Instance]) -> None:
    """Refuse to begin an answer of all of them that could not end. Raises `ArchiveFaultError`; it may block."""
    for instance in instances:
        whole(blobs, instance)
