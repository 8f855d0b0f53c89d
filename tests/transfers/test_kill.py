"""kill -9 of the sender at random moments: all arrives, and nothing twice once its acknowledgement was kept."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from appliance.box import Box
from appliance.storage.rows import TransferState
from tests.conftest import Fill
from tests.support.files import brainix
from tests.support.scp import acceptor
from tests.support.waiting import wait_for

KILLS = 20
ROOT = Path(__file__).parents[2]


def started(box: Box) -> subprocess.Popen[bytes]:
    """The sender as it runs in the field, on the data of `box`."""
    return subprocess.Popen(
        [sys.executable, "-m", "appliance.cli.main", "sender"],
        cwd=ROOT,
        env=os.environ | {"PACSBOX_DATA_DIR": str(box.config.data_dir)},
        stderr=subprocess.DEVNULL,
    )


class Gate:
    """A peer that takes so many images from each sender, and leaves it without an answer to the next."""

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._left = 0

    def open(self, images: int) -> None:
        """Take so many from now on."""
        with self._change:
            self._left = images
            self._change.notify_all()

    def answer(self, _uid: str) -> int:
        with self._change:
            assert self._change.wait_for(lambda: self._left > 0, 60)
            self._left -= 1
            self._change.notify_all()
        return 0

    def wait_until_shut(self) -> None:
        with self._change:
            assert self._change.wait_for(lambda: self._left == 0, 30)


@pytest.mark.timeout(600)
def test_a_killed_sender_loses_nothing_and_sends_nothing_twice_that_was_acknowledged(box: Box, fill: Fill) -> None:
    fill(brainix())
    (study,) = box.storage.studies.study_uids()
    everything = {instance.sop_instance_uid for instance in box.storage.studies.instances(study)}
    under_way = box.config.transfers.associations
    chance, gate, lost = random.Random(2), Gate(), 0
    with acceptor(gate.answer) as scp:
        box.peers.add("CLINIC-B", "ACCEPTOR", "127.0.0.1", scp.peer.port)
        transfers = [box.transfers.enqueue(study, "CLINIC-B").id]

        def pending() -> set[str]:
            return {item.sop_instance_uid for item in box.storage.transfers.pending(transfers[-1])}

        def wait_until_left(number: int) -> None:
            wait_for(lambda: len(pending()) <= number, 30, "acknowledgements with no further news")

        for kill in range(KILLS):
            due, before = pending(), len(scp.received)
            images = min(chance.randrange(1, 9), len(due))
            gate.open(images)
            process = started(box)
            gate.wait_until_shut()
            if kill % 2:
                wait_until_left(len(due) - images)
            else:
                # Around the answer to an image: before its acknowledgement, within it, or after.
                threading.Event().wait(chance.uniform(0, 0.015))
            process.kill()
            assert process.wait(60) == -signal.SIGKILL
            gate.open(10**6)
            wait_for(scp.is_idle, 30, "the peer to notice")
            came = scp.received[before:]
            assert set(came) <= due, "what was acknowledged went out again"
            unknown = len(pending() & set(came))
            assert unknown <= under_way + (0 if kill % 2 else images)
            lost += unknown
            if box.transfers.get(transfers[-1]).state.is_over:
                transfers.append(box.transfers.enqueue(study, "CLINIC-B").id)
        process = started(box)
        wait_for(lambda: box.transfers.get(transfers[-1]).state.is_over, 60, "the rest")
        process.terminate()
        assert process.wait(60) == 0
    assert {box.transfers.get(number).state for number in transfers} == {TransferState.DONE}
    assert set(scp.received) == everything
    assert len(scp.received) == len(everything) * len(transfers) + lost
