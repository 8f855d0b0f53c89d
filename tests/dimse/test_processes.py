"""One receiver in several processes: one port, one limit, and one that dies is replaced while others serve."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from appliance.service import sign
from tests.support.boxes import RunningBox
from tests.support.files import PYDICOM
from tests.support.receiving import instance
from tests.support.scu import EXPLICIT, Scu, associate_request, store_command
from tests.support.waiting import wait_for

META, DATA = instance(PYDICOM / "test_files" / "CT_small.dcm")
CT, UID = META.sop_class_uid, META.sop_instance_uid
CONTEXT = [(CT, [EXPLICIT])]


class Receivers:
    """A receiver of two processes, of its own box."""

    def __init__(self, folder: Path) -> None:
        options = {"PACSBOX_DICOM_PROCESSES": "2", "PACSBOX_DICOM_MAX_ASSOCIATIONS": "4"}
        self.box = RunningBox(folder, **options).start("receiver")
        self.port = self.box.dicom_port
        self.spool = self.box.box.spool("tests")
        self.ended = 0
        """Associations that were released."""
        wait_for(lambda: len(self.children()) == 2)
        wait_for(self.answers)

    @property
    def parent(self) -> psutil.Process:
        return psutil.Process(sign(self.box.box.run_dir, "receiver").pid)

    def children(self) -> list[psutil.Process]:
        """The processes that serve, those that are dying left out."""
        with suppress(psutil.NoSuchProcess):
            return [child for child in self.parent.children() if child.status() != psutil.STATUS_ZOMBIE]
        return []

    def answers(self) -> bool:
        try:
            Scu(self.port).associate(CONTEXT).__exit__(None)
        except ConnectionError:
            return False
        self.ended += 1
        return True

    def is_free(self) -> bool:
        """Whether those that have ended have given their places back, which is just before it is told."""
        return self.box.logged().count(" stored, ") >= self.ended

    def serves(self, child: psutil.Process) -> int:
        """How many connections a process has."""
        return sum(each.status == psutil.CONN_ESTABLISHED for each in child.net_connections("tcp"))


@pytest.fixture
def receivers(tmp_path: Path) -> Iterator[Receivers]:
    (tmp_path / "box").mkdir()
    running = Receivers(tmp_path / "box")
    yield running
    running.box.stop()


def associations(receivers: Receivers, count: int) -> list[Scu]:
    return [Scu(receivers.port).associate(CONTEXT) for _ in range(count)]


def spread(receivers: Receivers, each: int) -> list[Scu]:
    """`each` associations of each of the two; a process that the machine lets wait may miss its turn once or twice."""
    for _ in range(3):
        wait_for(receivers.is_free, what="places to be free")
        open_ones = associations(receivers, 2 * each)
        with suppress(AssertionError):
            wait_for(lambda: [receivers.serves(child) for child in receivers.children()] == [each] * 2, 3)
            return open_ones
        for scu in open_ones:
            scu.__exit__(None)
            receivers.ended += 1
    raise AssertionError("one process takes more than its share")


def is_rejected(receivers: Receivers) -> bool:
    scu = Scu(receivers.port)
    scu.socket.sendall(associate_request(CONTEXT))
    kind = scu.pdu()[0]
    scu.socket.close()
    return kind == 3


def gone(*processes: psutil.Process) -> Callable[[], bool]:
    return lambda: not any(process.is_running() for process in processes)


def test_associations_are_spread_evenly_and_limited_in_all(receivers: Receivers) -> None:
    open_ones = spread(receivers, 2)
    assert is_rejected(receivers)
    assert [scu.store(1, CT, UID, DATA).status for scu in open_ones] == [0] * 4
    assert len(receivers.spool.waiting()) == 4
    open_ones.pop().__exit__(None)
    wait_for(lambda: not is_rejected(receivers))
    for scu in open_ones:
        scu.__exit__(None)


def test_one_that_is_killed_is_replaced_while_the_other_serves(receivers: Receivers) -> None:
    first, second = spread(receivers, 1)
    victim, other = receivers.children()
    for scu in (first, second):
        scu.fragment(1, 3, store_command(CT, UID))
        scu.fragment(1, 0, DATA[:20_000])
    wait_for(lambda: len(receivers.spool.drafts()) == 2)
    victim.send_signal(signal.SIGKILL)
    wait_for(lambda: len(receivers.children()) == 2)
    assert other in receivers.children()
    wait_for(lambda: len(receivers.spool.drafts()) == 1, what="the new process to remove what the dead one left")
    answers = []
    for scu in (first, second):
        with suppress(OSError, AssertionError):
            scu.fragment(1, 2, DATA[20_000:])
            answers.append(scu.response().status)
        scu.socket.close()
    assert answers == [0], "one was cut off, the other has not noticed anything"
    assert len(receivers.spool.waiting()) == 1
    wait_for(lambda: "SIGKILL" in receivers.box.logged())
    wait_for(lambda: " 1 stored, " in receivers.box.logged(), what="the place of the other to be free")
    for scu in associations(receivers, 4):
        assert scu.store(1, CT, UID, DATA).status == 0
        scu.__exit__(None)


def test_all_end_when_they_are_asked_to_and_finish_what_is_under_way(receivers: Receivers) -> None:
    scu, idle = associations(receivers, 2)
    scu.fragment(1, 3, store_command(CT, UID))
    scu.fragment(1, 0, DATA[:20_000])
    wait_for(receivers.spool.drafts)
    children = receivers.children()
    ending = threading.Thread(target=receivers.box.stop)
    ending.start()
    assert idle.pdu()[0] == 7
    with pytest.raises(ConnectionRefusedError):
        wait_for(lambda: socket.create_connection(("127.0.0.1", receivers.port)).close())
    scu.fragment(1, 2, DATA[20_000:])
    assert scu.response().status == 0
    scu.socket.close()
    idle.socket.close()
    ending.join(20)
    assert not ending.is_alive()
    assert gone(*children)()
    assert len(receivers.spool.waiting()) == 1
    assert "Traceback" not in receivers.box.logged()


def test_none_outlives_a_parent_that_is_killed_and_another_may_start_at_once(receivers: Receivers) -> None:
    children = receivers.children()
    receivers.box.kill("receiver")
    wait_for(gone(*children))
    receivers.box.start("receiver")
    wait_for(receivers.answers)
