"""Storage commitment at our receiver: callers that stay, hang up, ask nonsense; and peers that report."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.dimse_messages import N_EVENT_REPORT_RSP
from pynetdicom.events import Event
from pynetdicom.presentation import build_role

from appliance import events
from appliance.box import Box
from appliance.commitment.evidence import Evidence
from appliance.commitment.messages import SOP_CLASS, SOP_INSTANCE, Question, question_data
from appliance.dicom.model import Origin
from appliance.storage.rows import CommitmentState, Reference
from tests.conftest import Fill
from tests.support.files import brainix
from tests.support.programs import free_port
from tests.support.scp import uids
from tests.support.waiting import wait_for

MR = "1.2.840.10008.5.1.4.1.1.4"
Told = tuple[int, Dataset]


@dataclass
class Modality:
    """A caller that notes what it is told, on whatever association."""

    port: int
    own_port: int
    told: queue.Queue[Told] = field(default_factory=queue.Queue)
    answer: int = 0x0000
    roles: list[Any] = field(default_factory=list)

    def heard(self, event: Event) -> tuple[int, None]:
        self.roles.append(event.assoc.is_requestor)
        self.told.put((event.event_type, event.event_information))
        return self.answer, None

    @contextmanager
    def calling(self, title: str = "MODALITY") -> Iterator[Association]:
        ae = AE(title)
        ae.add_requested_context(SOP_CLASS)
        sent: list[Event] = []
        association = ae.associate(
            "127.0.0.1",
            self.port,
            ae_title="PACSBOX",
            evt_handlers=[
                (evt.EVT_N_EVENT_REPORT, self.heard),
                (evt.EVT_DIMSE_SENT, sent.append),
                (evt.EVT_PDU_SENT, sent.append),
            ],
        )
        assert association.is_established
        yield association
        # pynetdicom stumbles over an answer of its own that comes behind the release.
        wait_for(lambda: answers_out(sent) == len(self.roles), what="our answers to be out")
        association.release()

    @contextmanager
    def listening(self) -> Iterator[None]:
        ae = AE("MODALITY")
        ae.add_supported_context(SOP_CLASS, scu_role=True, scp_role=True)
        server = ae.start_server(
            ("127.0.0.1", self.own_port), block=False, evt_handlers=[(evt.EVT_N_EVENT_REPORT, self.heard)]
        )
        try:
            yield
        finally:
            wait_for(lambda: not ae.active_associations, what="the last association to end")
            server.shutdown()


def answers_out(sent: list[Event]) -> int:
    """How many answers to reports are on the line: behind the last one came its PDU."""
    answers = [at for at, each in enumerate(sent) if isinstance(getattr(each, "message", None), N_EVENT_REPORT_RSP)]
    if answers and not any(each.event is evt.EVT_PDU_SENT for each in sent[answers[-1] :]):
        return len(answers) - 1
    return len(answers)


def data_for(*paths: Any, transaction: str = "1.2.9", missing: str = "") -> Dataset:
    references = [Reference(*uids(path)[:2]) for path in paths]
    return question_data(Question(transaction, (*references, *([Reference(MR, missing)] if missing else []))))


def ask(association: Association, data: Dataset, action: int = 1, instance: str = SOP_INSTANCE) -> int:
    answer, _ = association.send_n_action(data, action, UID(SOP_CLASS), UID(instance))
    return int(answer.Status)


@pytest.fixture
def modality(box: Box) -> Iterator[Modality]:
    """A peer that may ask; our receiver runs."""
    own_port = free_port()
    box.peers.add("CT-1", "MODALITY", "127.0.0.1", own_port)
    receiver = box.receiver()
    try:
        yield Modality(receiver.start(), own_port)
    finally:
        receiver.stop()


def test_who_stays_is_told_on_the_association_of_its_question(box: Box, fill: Fill, modality: Modality) -> None:
    fill(brainix()[:2])
    with modality.calling() as association:
        assert ask(association, data_for(*brainix()[:2], missing="1.2.3.4")) == 0
        event_type, data = modality.told.get(timeout=30)
    assert event_type == 2
    assert data.TransactionUID == "1.2.9"
    assert len(data.ReferencedSOPSequence) == 2
    assert [(i.ReferencedSOPInstanceUID, i.FailureReason) for i in data.FailedSOPSequence] == [("1.2.3.4", 0x0112)]
    (row,) = wait_for(lambda: [r for r in box.storage.commitments.all() if r.state is CommitmentState.REPORTED])
    assert (row.ae_title, row.called, row.total, row.failed) == ("MODALITY", "PACSBOX", 3, 1)


def test_a_question_is_told_of_in_the_audit_with_how_many_it_was_about(box: Box, modality: Modality) -> None:
    with modality.calling() as association:
        assert ask(association, data_for(*brainix()[:2])) == 0
        assert ask(association, without_list()) == 0x0115
    rows = wait_for(lambda: (found := box.storage.audit.rows(limit=9))[1:] and found, what="the audit of both")
    assert {(row.who, row.action, row.resource, row.outcome, row.items) for row in rows} == {
        ("peer CT-1, AE MODALITY", "commitment", "N-ACTION", "ok", 2),
        ("peer CT-1, AE MODALITY", "commitment", "N-ACTION", "0115", 0),
    }


def test_what_is_still_in_the_spool_is_waited_for_on_the_line(box: Box, modality: Modality) -> None:
    with brainix()[0].open("rb") as file:
        box.spool("receiver").keep(file, Origin("C-STORE", "MODALITY", "PACSBOX", "127.0.0.1", events.now()))
    with modality.calling() as association:
        assert ask(association, data_for(brainix()[0])) == 0
        with pytest.raises(queue.Empty):
            modality.told.get(timeout=1.5)
        while box.indexer().drain_batch():
            pass
        assert modality.told.get(timeout=30)[0] == 1


def test_an_association_is_served_on_while_it_waits_for_a_report(
    box: Box, fill: Fill, modality: Modality, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(brainix()[:1])
    asked, is_in = threading.Event(), Evidence.is_in
    monkeypatch.setattr(Evidence, "is_in", lambda *given: asked.is_set() and is_in(*given))
    with modality.calling() as association:
        for number in range(3):
            assert ask(association, data_for(brainix()[0], transaction=f"1.2.{number}")) == 0
        asked.set()
        assert modality.told.get(timeout=30)[1].TransactionUID == "1.2.2"
        wait_for(lambda: [row.state for row in box.storage.commitments.all()].count(CommitmentState.OPEN) == 2)


def test_who_hangs_up_is_called(box: Box, fill: Fill, modality: Modality) -> None:
    fill(brainix()[:1])
    with modality.calling() as association:
        assert ask(association, data_for(brainix()[0])) == 0
    with modality.listening(), box.proof_of_storage():
        event_type, data = modality.told.get(timeout=30)
        wait_for(lambda: box.storage.commitments.all()[0].state is CommitmentState.REPORTED)
    assert (event_type, data.TransactionUID, modality.roles) == (1, "1.2.9", [False])


def test_who_does_not_take_its_report_on_the_line_is_called(box: Box, fill: Fill, modality: Modality) -> None:
    fill(brainix()[:1])
    modality.answer = 0x0110
    with modality.calling() as association:
        assert ask(association, data_for(brainix()[0])) == 0
        modality.told.get(timeout=30)
        (row,) = wait_for(lambda: [r for r in box.storage.commitments.all() if r.due <= events.now()])
        assert row.state is CommitmentState.OPEN


def test_another_question_under_the_same_transaction_is_told_so(box: Box, fill: Fill, modality: Modality) -> None:
    fill(brainix()[:2])
    with modality.calling() as association:
        assert ask(association, data_for(brainix()[0])) == 0
        assert modality.told.get(timeout=30)[0] == 1
        assert ask(association, data_for(brainix()[1])) == 0
        event_type, data = modality.told.get(timeout=30)
    assert (event_type, [i.FailureReason for i in data.FailedSOPSequence]) == (2, [0x0131])


def without_list() -> Dataset:
    data = data_for(missing="1.2.3")
    del data.ReferencedSOPSequence
    return data


@pytest.mark.parametrize(
    ("data", "action", "instance", "status"),
    [
        (data_for(), 1, SOP_INSTANCE, 0x0115),
        (without_list(), 1, SOP_INSTANCE, 0x0115),
        (data_for(missing="1.2.3"), 2, SOP_INSTANCE, 0x0123),
        (data_for(missing="1.2.3"), 1, "1.2.3.4", 0x0112),
    ],
)
def test_a_question_that_is_none_is_refused(
    box: Box, modality: Modality, data: Dataset, action: int, instance: str, status: int
) -> None:
    with modality.calling() as association:
        assert ask(association, data, action, instance) == status
    assert box.storage.commitments.all() == []


def test_nothing_is_promised_without_the_index(box: Box, modality: Modality) -> None:
    box.close()
    for path in box.index_path.parent.iterdir():
        path.unlink()
    box.index_path.write_bytes(b"this is no index" * 100)
    with modality.calling() as association:
        assert ask(association, data_for(missing="1.2.3")) == 0x0110


def test_a_stranger_is_not_offered_it(box: Box, modality: Modality) -> None:
    ae = AE("STRANGER")
    ae.add_requested_context(SOP_CLASS)
    ae.add_requested_context("1.2.840.10008.1.1")
    association = ae.associate("127.0.0.1", modality.port, ae_title="PACSBOX")
    assert [str(context.abstract_syntax) for context in association.rejected_contexts] == [SOP_CLASS]
    association.release()


def test_a_report_about_a_transaction_of_nobody_is_refused(box: Box, modality: Modality) -> None:
    ae = AE("MODALITY")
    ae.add_requested_context(SOP_CLASS)
    role = build_role(UID(SOP_CLASS), scp_role=True)
    association = ae.associate("127.0.0.1", modality.port, ae_title="PACSBOX", ext_neg=[role])
    assert [context.as_scp for context in association.accepted_contexts] == [True]
    answer, _ = association.send_n_event_report(data_for(missing="1.2.3"), 1, UID(SOP_CLASS), UID(SOP_INSTANCE))
    assert answer.Status == 0x0115
    association.release()


def test_who_may_not_retrieve_may_report_on_an_association_of_its_own_and_gets_no_images(
    box: Box, modality: Modality
) -> None:
    box.peers.change("CT-1", rights=("echo", "store", "commitment"))
    ae = AE("MODALITY")
    ae.add_requested_context(SOP_CLASS)
    ae.add_requested_context(MR)
    roles = [build_role(UID(uid), scu_role=True, scp_role=True) for uid in (SOP_CLASS, MR)]

    def may_report() -> dict[str, bool]:
        association = ae.associate("127.0.0.1", modality.port, ae_title="PACSBOX", ext_neg=roles)
        found = {str(context.abstract_syntax): context.as_scp for context in association.accepted_contexts}
        association.release()
        return found

    wait_for(lambda: not may_report()[MR], what="the right to be gone")
    assert may_report() == {SOP_CLASS: True, MR: False}
