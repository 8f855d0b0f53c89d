"""Files of the archive, checked against what the index says of them before anyone waits for their bytes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

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
        raise _of_another_size(instance, size)
    return path


def opened(blobs: Blobs, instance: Instance) -> BinaryIO:
    """The same file, open. Raises `ArchiveFaultError`; it may block."""
    try:
        file = blobs.open(instance.blob_key)
    except FileNotFoundError as fault:
        raise _missing(instance) from fault
    if (size := os.fstat(file.fileno()).st_size) != instance.size:
        file.close()
        raise _of_another_size(instance, size)
    return file


def check(blobs: Blobs, instances: Iterable[Instance]) -> None:
    """Refuse to begin an answer of all of them that could not end. Raises `ArchiveFaultError`; it may block."""
    for instance in instances:
        if not blobs.holds(instance.blob_key, instance.size):
            whole(blobs, instance)


def _missing(instance: Instance) -> ArchiveFaultError:
    return ArchiveFaultError(instance.blob_key, "is missing")


def _of_another_size(instance: Instance, size: int) -> ArchiveFaultError:
    return ArchiveFaultError(instance.blob_key, f"has {size} bytes instead of {instance.size}")
