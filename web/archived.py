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
        raise _missing(instance) from fault
    if size != instance.size:
        raise ArchiveFaultError(instance.blob_key, f"has {size} bytes instead of {instance.size}")
    return path


def descriptor(blobs: Blobs, instance: Instance) -> int:
    """The file, open, for whoever closes it. Raises `ArchiveFaultError` when it is missing; it may block.

    How long it is, `check` has looked: each call here gives way to all other threads, a thousand times a study.
    """
    try:
        return blobs.descriptor(instance.blob_key)
    except FileNotFoundError as fault:
        raise _missing(instance) from fault


def check(blobs: Blobs, instances: Iterable[Instance]) -> None:
    """Refuse to begin an answer of all of them that could not end. Raises `ArchiveFaultError`; it may block."""
    for instance in instances:
        if not blobs.holds(instance.blob_key, instance.size):
            whole(blobs, instance)


def _missing(instance: Instance) -> ArchiveFaultError:
    return ArchiveFaultError(instance.blob_key, "is missing")
