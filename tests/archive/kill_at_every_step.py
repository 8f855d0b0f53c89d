"""Indexes a batch again and again, killed by SIGKILL one line later each time; run by test_index.py.

A child process counts the lines of the core that it runs and kills itself at the Nth. Then another drains what
is left. After each: all instances in the index once, their files in the archive byte-identical, no file
without a row, the spool empty.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from appliance import events
from appliance.box import Box
from appliance.config import load
from appliance.dicom import header as headers
from appliance.dicom.model import Origin

STRIDE = 9
_WATCHED = ("appliance/archive/", "appliance/spool/", "appliance/storage/")


def main(folder: Path, sources: list[Path]) -> int:
    step, kills = 1, 0
    while True:
        data_dir = folder / str(step)
        box = Box(load(environment={"PACSBOX_DATA_DIR": str(data_dir)})[0])
        for source in sources:
            with source.open("rb") as file:
                box.spool("receiver").keep(file, Origin("upload", received=events.now()))
        killed = drain_killed_at(data_dir, step)
        while box.indexer().drain_batch():
            pass
        examine(box, sources, step)
        box.close()
        shutil.rmtree(data_dir)
        if not killed:
            return kills
        kills += 1
        step += STRIDE


def drain_killed_at(data_dir: Path, step: int) -> bool:
    """Drain in a child that dies at its `step`th line; False when it came to the end before."""
    pid = os.fork()
    if pid == 0:
        box = Box(load(environment={"PACSBOX_DATA_DIR": str(data_dir)})[0])
        indexer = box.indexer()
        sys.settrace(Dying(step).trace)
        indexer.drain_batch()
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status)


class Dying:
    def __init__(self, step: int) -> None:
        self.left = step

    def trace(self, frame: FrameType, event: str, _argument: Any) -> Any:
        if not any(part in frame.f_code.co_filename for part in _WATCHED):
            return None
        if event == "line":
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return self.trace


def examine(box: Box, sources: list[Path], step: int) -> None:
    rows = [
        instance
        for study in box.storage.studies.search("", 100)
        for instance in box.storage.studies.instances(study.study_instance_uid)
    ]
    expected = sorted(headers.read(source).digest for source in sources)
    assert sorted(row.digest for row in rows) == expected, f"step {step}: rows"
    kept = sorted(headers.read(box.blobs.path(row.blob_key)).digest for row in rows)
    assert kept == expected, f"step {step}: files"
    assert sorted(box.blobs.keys()) == sorted(row.blob_key for row in rows), f"step {step}: a file without row"
    assert box.spool("receiver").waiting() == [], f"step {step}: spool"
    told = sum(e.detail["instances"] for e in box.storage.events.since(0) if e.kind == events.STUDY_RECEIVED)
    assert told == len(sources), f"step {step}: events"


if __name__ == "__main__":
    print("kills:", main(Path(sys.argv[1]), [Path(argument) for argument in sys.argv[2:]]))
