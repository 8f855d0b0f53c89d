"""Is there room for the next images?"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

from appliance.box import Box
from appliance.health.finding import Finding, Severity

_SOON = 2
"""Times the reserve: below it somebody should think of a larger disk."""


def check(box: Box) -> Iterator[Finding]:
    """Free space against the reserve, and whether the disk can be written."""
    usage = shutil.disk_usage(box.data_dir)
    spare = box.spool("doctor").free()
    reserve = usage.free - spare
    free = f"{usage.free / 1e9:.1f} GB of {usage.total / 1e9:.0f} GB are free"
    if not os.access(box.data_dir, os.W_OK):
        yield Finding(
            Severity.PROBLEM,
            "disk",
            f"{box.data_dir} cannot be written.",
            "Remount the disk, or see whether it failed.",
        )
    elif spare <= 0:
        yield Finding(
            Severity.PROBLEM,
            "disk",
            f"The disk is full: {free}, and new images are refused.",
            "Delete studies that are kept elsewhere, or fit a larger disk.",
        )
    elif spare < reserve * _SOON:
        yield Finding(Severity.NOTE, "disk", f"The disk fills up: {free}.", "Plan for a larger disk.")
    else:
        yield Finding(Severity.OK, "disk", f"{free}.")
