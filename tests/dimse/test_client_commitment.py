"""Asking peers what they keep: those that answer at once, later, never, wrongly, or don't offer it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import AE, evt
from pynetdicom.events import Event

from appliance.box import Box
from appliance.commitment import words
from appliance.commitment.messages import SOP_CLASS, SOP_INSTANCE, Question, Report
from appliance.commitment.prover import Prover
from appliance.dimse.client.commitment import ask, tell
from appliance.events import now
from appliance.peers.faults import Fault, PeerError
from appliance.storage.rows import Peer, Proof, Reference, Transfer, TransferState
from tests.conftest import Fill
from tests.support.files import brainix
from tests.support.ourselves import OURSELVES
from tests.support.scp import misbehaving, storescp
from tests.support.waiting import wait_for

MR = "1.2.840.10008.5.1.4.1.1.4"
Change = Callable[[Dataset], None]


@dataclass
class Archive:
    """A peer that keeps images, in its own way."""

    status: int = 0x0000
    reports: bool = True
    change: Change = lambda _data: None
    """What is odd about its reports."""
    event_type: int = 1
    heard: list[int] = field(default_factory=list)
    """The statuses that its reports were answered with."""

    def asked(self, event: Event) -> tuple[int, None]:
        if self.status == 0 and self.reports:
            threading.Thread(target=self.report, args=(event.assoc, event.action_information)).start()
        return self.status, None

    def report(self, association: Any, data: Dataset) -> None:
        self.change(data)
        with suppress(RuntimeError, ValueError, AttributeError):
            answer, _ = association.send_n_event_report(data, self.event_type, UID(SOP_CLASS), UID(SOP_INSTANCE))
            self.heard.append(answer.Status)

    @contextmanager
    def listening(self) -> Iterator[Peer]:
        ae = AE("ARCHIVE")
        ae.add_supported_context(SOP_CLASS)
        server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_N_ACTION, self.asked)])
        try:
            yield Peer("CLINIC-B", "ARCHIVE", "127.0.0.1", server.server_address[1])
        finally:
            wait_for(lambda: not ae.active_associations, 30, "the last association to end")
            server.shutdown()


@pytest.fixture
def transfer(box: Box, fill: Fill) -> Transfer:
    """Three images that have gone out to a peer that is still to be asked."""
    fill(brainix()[:3])
    (study,) = box.storage.studies.study_uids()
    storage = box.storage
    with storage.transaction():
        number = storage.transfers.add(study, "CLINIC-B").id
        storage.transfers.claim(now())
        for item in storage.transfers.pending(number):
            storage.transfers.acknowledge(number, {item.sop_instance_uid: ""})
        storage.proofs.want(number)
        storage.transfers.finish(number, TransferState.DONE)
    return box.transfers.get(number)


def asked(box: Box, transfer: Transfer, peer: Peer, *, hours: float = 1, stay: float = 10, tries: int = 1) -> Transfer:
    """The transfer after so many tries to ask `peer`."""
    if box.storage.peers.get(peer.name) is None:
        box.peers.add(peer.name, peer.ae_title, peer.host, peer.port)
    prover = Prover(partial(ask, ourselves=OURSELVES, stay=stay), timedelta(hours=hours), delays=(0.0,))
    for _ in range(tries):
        prover.once(box.storage, threading.Event())
    return box.transfers.get(transfer.id)


def test_a_peer_that_reports_at_once_confirms_on_the_same_association(box: Box, transfer: Transfer) -> None:
    archive = Archive()
    with archive.listening() as peer:
        found = asked(box, transfer, peer)
        wait_for(lambda: archive.heard, what="our answer to its report")
    assert (found.proof, archive.heard) == (Proof.CONFIRMED, [0x0000])


def lose_one(data: Dataset) -> None:
    lost = data.ReferencedSOPSequence.pop()
    lost.FailureReason = 0x0112
    data.FailedSOPSequence = [lost]


def forget_all_lists(data: Dataset) -> None:
    del data.ReferencedSOPSequence


def misspell_transaction(data: Dataset) -> None:
    data.TransactionUID = "1.2.3"


def lose_transaction(data: Dataset) -> None:
    del data.TransactionUID


@pytest.mark.parametrize(
    ("change", "event_type", "proof", "state", "heard"),
    [
        (lose_one, 2, Proof.NONE, TransferState.QUEUED, 0x0000),
        (forget_all_lists, 1, Proof.CONFIRMED, TransferState.DONE, 0x0000),
        (misspell_transaction, 1, Proof.AWAITING, TransferState.DONE, 0x0115),
        (lose_transaction, 1, Proof.AWAITING, TransferState.DONE, 0x0115),
    ],
)
def test_odd_reports(
    box: Box, transfer: Transfer, change: Change, event_type: int, proof: Proof, state: TransferState, heard: int
) -> None:
    archive = Archive(change=change, event_type=event_type)
    with archive.listening() as peer:
        found = asked(box, transfer, peer, stay=5)
        wait_for(lambda: archive.heard, what="our answer to its report")
    assert (found.proof, found.state, archive.heard) == (proof, state, [heard])


def test_a_peer_that_never_answers_leaves_the_transfer_done_and_says_so(box: Box, transfer: Transfer) -> None:
    with Archive(reports=False).listening() as peer:
        assert asked(box, transfer, peer, hours=1e-9, stay=0).proof is Proof.AWAITING
        found = asked(box, transfer, peer)
    assert (found.state, found.proof) == (TransferState.DONE, Proof.UNANSWERED)
    assert words.proof(found) == "CLINIC-B was asked and did not say whether it keeps them"


def test_a_peer_that_does_not_offer_it_is_told_apart(box: Box, transfer: Transfer, tmp_path: Path) -> None:
    with storescp(tmp_path / "peer") as peer:
        found = asked(box, transfer, peer)
    assert (found.state, found.proof) == (TransferState.DONE, Proof.NOT_OFFERED)


@pytest.mark.parametrize("tries", [1, 12])
def test_a_peer_that_refuses_the_question_is_asked_again_for_some_time(
    box: Box, transfer: Transfer, tries: int
) -> None:
    with Archive(status=0x0213).listening() as peer:
        found = asked(box, transfer, peer, tries=tries)
    assert (found.state, found.asked) == (TransferState.DONE, tries)
    assert found.proof is (Proof.ASKING if tries == 1 else Proof.UNANSWERED)


def test_a_peer_that_is_away_is_asked_when_it_is_back(box: Box, transfer: Transfer) -> None:
    with Archive().listening() as peer:
        pass
    assert asked(box, transfer, peer).proof is Proof.ASKING
    archive = Archive()
    with archive.listening() as back:
        box.peers.remove("CLINIC-B")
        assert asked(box, transfer, back).proof is Proof.CONFIRMED
        wait_for(lambda: archive.heard, what="our answer to its report")


def test_no_peer_is_asked_where_that_is_switched_off(box: Box, transfer: Transfer) -> None:
    with Archive(status=0x0110).listening() as peer:
        assert asked(box, transfer, peer, hours=0).proof is Proof.NONE


def test_a_peer_that_was_removed_is_not_asked(box: Box, transfer: Transfer) -> None:
    Prover(partial(ask, ourselves=OURSELVES), timedelta(hours=1)).once(box.storage, threading.Event())
    assert box.transfers.get(transfer.id).proof is Proof.UNANSWERED


def test_thousands_of_instances_are_asked_about_in_one_question() -> None:
    references = tuple(Reference(MR, f"1.2.3.{number}") for number in range(3000))
    archive = Archive()
    reports: list[Report] = []
    with archive.listening() as peer:
        question = Question("1.2.9", references)
        assert ask(
            peer,
            question,
            lambda report: not reports.append(report),  # type: ignore[func-returns-value]
            lambda: bool(reports),
            ourselves=OURSELVES,
            stay=60,
        )
        wait_for(lambda: archive.heard, what="our answer to its report")
    assert reports[0].kept == references


@pytest.mark.parametrize("behave", [lambda caller: None, lambda caller: caller.sendall(b"HTTP/1.0 400\r\n\r\n")])
def test_telling_somebody_who_speaks_no_dicom_is_a_fault_in_words(behave: Callable[[Any], None]) -> None:
    with misbehaving(behave) as peer, pytest.raises(PeerError, match=r"CLINIC-B|DICOM"):
        tell(peer, "PACSBOX", Report("1.2.9", (Reference(MR, "1.2.3"),)), ourselves=OURSELVES)


def test_telling_somebody_who_takes_no_reports_is_a_fault_in_words(tmp_path: Path) -> None:
    with storescp(tmp_path / "peer") as peer, pytest.raises(PeerError, match="does not take a call") as caught:
        tell(peer, "PACSBOX", Report("1.2.9", (Reference(MR, "1.2.3"),)), ourselves=OURSELVES)
    assert caught.value.fault is Fault.UNSUPPORTED
