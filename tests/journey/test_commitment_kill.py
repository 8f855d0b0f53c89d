"""A question what we keep is answered, whichever of our processes is killed in between."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import AE, evt
from pynetdicom.events import Event

from appliance.box import Box
from appliance.commitment.messages import SOP_CLASS, SOP_INSTANCE, Question, question_data
from appliance.events import now
from appliance.storage.rows import CommitmentState, Reference
from tests.support.boxes import RunningBox
from tests.support.files import brainix
from tests.support.scp import answers, uids
from tests.support.waiting import wait_for


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningBox]:
    box = RunningBox(tmp_path / "box")
    yield box
    box.stop()


def test_neither_kill_9_of_the_receiver_nor_of_the_sender_loses_an_answer(running: RunningBox) -> None:
    told: queue.Queue[Dataset] = queue.Queue()
    deaths = ["sender"]

    def heard(event: Event) -> tuple[int, None]:
        if deaths:
            running.kill(deaths[0])
            deaths.clear()
        else:
            told.put(event.event_information)
        return 0, None

    ae = AE("MODALITY")
    ae.add_supported_context(SOP_CLASS, scu_role=True, scp_role=True)
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_N_EVENT_REPORT, heard)])
    running.box.peers.add("CT-1", "MODALITY", "127.0.0.1", server.server_address[1])
    running.start("receiver", "indexer")
    ask(running)
    running.kill("receiver")
    (question,) = running.box.storage.commitments.all()
    assert question.state is CommitmentState.OPEN
    wait_for(running.is_drained, 30)
    hurry(running.box, question.id)
    running.start("sender")
    wait_for(lambda: not deaths, 60, "the sender's call, and its death")
    assert running.box.storage.commitments.all()[0].state is CommitmentState.OPEN
    running.start("sender")
    report = told.get(timeout=60)
    assert report.TransactionUID == "1.2.9"
    assert [item.ReferencedSOPInstanceUID for item in report.ReferencedSOPSequence] == [uids(brainix()[0])[1]]
    wait_for(lambda: running.box.storage.commitments.all()[0].state is CommitmentState.REPORTED, 30)
    wait_for(lambda: not ae.active_associations, 30)
    server.shutdown()


def ask(running: RunningBox) -> None:
    """Store an image and ask for it on the same association, which is then cut off."""
    sop_class, sop_instance, syntax = uids(brainix()[0])
    scu = AE("MODALITY")
    scu.add_requested_context(SOP_CLASS)
    scu.add_requested_context(sop_class, syntax)
    wait_for(lambda: answers(running.dicom_port), 30, "the receiver")
    association = scu.associate("127.0.0.1", running.dicom_port, ae_title="PACSBOX")
    assert association.is_established
    assert association.send_c_store(brainix()[0]).Status == 0
    data = question_data(Question("1.2.9", (Reference(sop_class, sop_instance),)))
    answer, _ = association.send_n_action(data, 1, UID(SOP_CLASS), UID(SOP_INSTANCE))
    assert answer.Status == 0
    association.abort()


def hurry(box: Box, number: int) -> None:
    """As if the receiver's head start were over."""
    with box.storage.transaction():
        box.storage.commitments.put_off(number, now(), attempts=0)
