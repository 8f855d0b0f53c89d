"""What a process leaves in the spool that dies while it writes."""

from __future__ import annotations

import os
from pathlib import Path

from appliance.dicom import part10
from appliance.dicom.model import Origin
from appliance.spool.spool import Spool

HEAD = part10.encode(
    "1.2.840.10008.5.1.4.1.1.7",
    "1.2.3",
    "1.2.840.10008.1.2.1",
    Origin("upload", received="2026-11-21T08:00:00.000+00:00"),
)


def left_by_a_dead_process(spool: Spool, data: bytes, *, finished: bool = False) -> Path:
    """A draft whose writer died after these bytes, before or after it wrote the header."""
    keeping = spool.begin(HEAD)
    keeping.write(data)
    if finished:
        keeping.finish()
    os.close(keeping._descriptor)
    keeping._descriptor = -1
    return keeping.path
