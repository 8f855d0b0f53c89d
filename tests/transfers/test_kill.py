"""kill -9 of the sender at random moments: all arrives, and nothing twice once its acknowledgement was kept."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

from appliance.box import Box
from appliance.storage.rows import TransferState
from tests.conftest import Fill
from tests.support.files import brainix
from tests.support.scp import acceptor
from tests.support.waiting import wait_for

KILLS = 20
TWICE = 5
"""Images at most that a kill makes go out again: what one commit had not yet."""
ROOT = Path(__file__).parents[2]


def started(box: Box) -> subprocess.Popen[bytes]:
    """The sender as it runs in the field, on the data of `box`."""
    return subprocess.Popen(
        [sys.executable, "-m", "appliance.cli.main", "sender"],
        cwd=ROOT,
        env=os.environ | {"PACSBOX_DATA_DIR": str(box.config.data_dir)},
        stderr=subprocess.DEVNULL,
    )


def test_a_killed_sender_loses_nothing_and_sends_nothing_twice_that_was_acknowledged(box: Box, fill: Fill) -> None:
    fill(brainix())
    (study,) = box.storage.studies.study_uids()
    everything = {instance.sop_instance_uid for instance in box.storage.studies.instances(study)}
    chance = random.Random(2)
    came = threading.Semaphore(0)
    again: list[str] = []

    def answer(_uid: str) -> int:
        came.release()
        return 0

    with acceptor(answer) as scp:
        box.peers.add("CLINIC-B", "ACCEPTOR", "127.0.0.1", scp.peer.port)
        transfers = [box.transfers.enqueue(study, "CLINIC-B")]
        for kill in range(KILLS + 1):
            pending = {item.sop_instance_uid for item in box.storage.transfers.pending(transfers[-1].id)}
            before = len(scp.received)
            process = started(box)
            if kill < KILLS:
                # Somewhere around the arrival of an image: before its acknowledgement, within it, or after.
                assert came.acquire(timeout=30)
                threading.Event().wait(chance.uniform(0, 0.015))
                process.kill()
            else:
                wait_for(lambda: box.transfers.get(transfers[-1].id).state.is_over, 30)
                process.terminate()
            assert process.wait(20) == (-signal.SIGKILL if kill < KILLS else 0)
            again += [uid for uid in scp.received[before:] if uid not in pending]
            while came.acquire(blocking=False):
                pass
            if box.transfers.get(transfers[-1].id).state.is_over and kill < KILLS:
                transfers.append(box.transfers.enqueue(study, "CLINIC-B"))
    assert again == []
    assert {box.transfers.get(transfer.id).state for transfer in transfers} == {TransferState.DONE}
    assert set(scp.received) == everything
    assert len(scp.received) <= len(everything) * len(transfers) + TWICE * KILLS
