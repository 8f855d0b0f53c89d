"""What a peer's report does to a transfer."""

from __future__ import annotations

import pytest

from appliance.box import Box
from appliance.commitment import proofs, words
from appliance.commitment.messages import Failure, Report
from appliance.commitment.proofs import Outcome, answer, weigh
from appliance.events import now
from appliance.storage.rows import Proof, Reference, Transfer, TransferState
from tests.conftest import Fill
from tests.support.files import brainix

MR = "1.2.840.10008.5.1.4.1.1.4"
ONE, TWO = Reference(MR, "1.2.3.1"), Reference(MR, "1.2.3.2")
BOTH = frozenset(("1.2.3.1", "1.2.3.2"))
TRANSACTION = "2.25.77"


def failed(reason: int) -> Report:
    return Report("1.2.9", (ONE,), ((TWO, reason),))


@pytest.mark.parametrize(
    ("report", "resent", "outcome"),
    [
        (Report("1.2.9", (ONE, TWO), all_kept=True), 0, Outcome(BOTH)),
        (Report("1.2.9", (), all_kept=True), 0, Outcome(BOTH)),  # success, and no list at all
        (Report("1.2.9", (TWO, ONE)), 0, Outcome(BOTH)),  # an event of failure that names none
        (Report("1.2.9", (ONE,), all_kept=True), 0, Outcome(frozenset(("1.2.3.1",)), {"1.2.3.2": 0x0112}, True)),
        (failed(0x0112), 0, Outcome(frozenset(("1.2.3.1",)), {"1.2.3.2": 0x0112}, True)),
        (failed(0x0110), 0, Outcome(frozenset(("1.2.3.1",)), {"1.2.3.2": 0x0110}, True)),
        (failed(0x0112), 1, Outcome(frozenset(("1.2.3.1",)), {"1.2.3.2": 0x0112}, False)),
        (failed(0x0122), 0, Outcome(frozenset(("1.2.3.1",)), {"1.2.3.2": 0x0122}, False)),
        (failed(0x0119), 0, Outcome(frozenset(("1.2.3.1",)), {"1.2.3.2": 0x0119}, False)),
        # One that is in both lists is not kept, and one that we did not ask about changes nothing.
        (Report("1.2.9", (ONE, TWO), ((TWO, 0x0112),)), 1, Outcome(frozenset(("1.2.3.1",)), {"1.2.3.2": 0x0112})),
        (Report("1.2.9", (ONE, TWO), ((Reference(MR, "1.2.99"), 0x0112),)), 0, Outcome(BOTH)),
    ],
)
def test_what_is_not_confirmed_is_missing(report: Report, resent: int, outcome: Outcome) -> None:
    assert weigh((ONE, TWO), report, resent) == outcome


@pytest.fixture
def transfer(box: Box, fill: Fill) -> Transfer:
    """Three images that have gone out; the peer was asked about them."""
    fill(brainix()[:3])
    (study,) = box.storage.studies.study_uids()
    box.peers.add("CLINIC-B", "CLINICB", "127.0.0.1", 11112)
    transfer = box.transfers.enqueue(study, "CLINIC-B")
    go(box, transfer.id)
    return ask(box, transfer.id)


def go(box: Box, number: int) -> None:
    """All that is pending arrives."""
    storage = box.storage
    with storage.transaction():
        storage.transfers.claim(now())
        for item in storage.transfers.pending(number):
            storage.transfers.acknowledge(number, {item.sop_instance_uid: ""})
        storage.proofs.want(number)
        storage.transfers.finish(number, TransferState.DONE)


def ask(box: Box, number: int) -> Transfer:
    with box.storage.transaction():
        box.storage.proofs.begin(number, TRANSACTION)
        box.storage.proofs.wait(number, TRANSACTION, now())
    return box.transfers.get(number)


def report_of(box: Box, number: int, *missing: int, reason: int = Failure.NO_SUCH_INSTANCE) -> Report:
    references = box.storage.proofs.unproven(number)
    lost = [references[index] for index in missing]
    kept = tuple(reference for reference in references if reference not in lost)
    return Report(TRANSACTION, kept, tuple((reference, reason) for reference in lost), all_kept=not missing)


def test_a_transfer_is_confirmed_with_the_time(box: Box, transfer: Transfer) -> None:
    assert words.proof(transfer) == "waiting for CLINIC-B to confirm that it keeps them"
    assert answer(box.storage, report_of(box, transfer.id))
    found = box.transfers.get(transfer.id)
    assert (found.state, found.proof) == (TransferState.DONE, Proof.CONFIRMED)
    assert words.proof(found).startswith("confirmed by CLINIC-B on 2")
    assert box.storage.proofs.unproven(transfer.id) == []


def test_only_what_is_missing_is_sent_again_and_asked_for_again(box: Box, transfer: Transfer) -> None:
    asked = box.storage.proofs.unproven(transfer.id)
    assert answer(box.storage, report_of(box, transfer.id, 1))
    again = box.transfers.get(transfer.id)
    assert (again.state, again.sent, again.proof) == (TransferState.QUEUED, 2, Proof.NONE)
    assert again.message == "CLINIC-B says that it does not keep 1 of 3 images: sending it again."
    assert [i.sop_instance_uid for i in box.storage.transfers.pending(again.id)] == [asked[1].sop_instance_uid]
    go(box, again.id)
    assert box.storage.proofs.unproven(again.id) == [asked[1]]


def test_what_is_missing_twice_fails_the_transfer_in_words_and_may_be_retried(box: Box, transfer: Transfer) -> None:
    answer(box.storage, report_of(box, transfer.id, 1))
    go(box, transfer.id)
    ask(box, transfer.id)
    assert answer(box.storage, report_of(box, transfer.id, 0))
    found = box.transfers.get(transfer.id)
    assert (found.state, found.sent, found.refused) == (TransferState.FAILED, 2, 1)
    assert found.message == "1 of 3 images not kept, though sent again: CLINIC-B does not have it (0112)."
    assert len(box.transfers.refusals(transfer.id)) == 1
    assert box.transfers.retry(transfer.id)
    assert len(box.storage.transfers.pending(transfer.id)) == 1


def test_what_sending_cannot_cure_is_not_sent_again(box: Box, transfer: Transfer) -> None:
    answer(box.storage, report_of(box, transfer.id, 0, reason=Failure.CLASS_NOT_SUPPORTED))
    found = box.transfers.get(transfer.id)
    assert found.state is TransferState.FAILED
    assert found.message == "1 of 3 images not kept: CLINIC-B does not keep its kind (0122)."


def test_a_report_that_comes_twice_changes_nothing(box: Box, transfer: Transfer) -> None:
    report = report_of(box, transfer.id)
    assert answer(box.storage, report)
    before = box.transfers.get(transfer.id)
    assert answer(box.storage, report)
    assert box.transfers.get(transfer.id) == before


def test_a_report_of_an_unknown_transaction_is_not_known(box: Box, transfer: Transfer) -> None:
    assert not answer(box.storage, Report("1.2.9", (ONE,), all_kept=True))
    assert box.transfers.get(transfer.id) == transfer


def test_a_late_word_that_all_is_well_still_counts(box: Box, transfer: Transfer) -> None:
    report = report_of(box, transfer.id)
    proofs.settle(box.storage, transfer, Proof.UNANSWERED)
    silent = box.transfers.get(transfer.id)
    assert (silent.state, words.proof(silent)) == (
        TransferState.DONE,
        "CLINIC-B was asked and did not say whether it keeps them",
    )
    assert answer(box.storage, report)
    assert box.transfers.get(transfer.id).proof is Proof.CONFIRMED


def test_each_turn_is_news(box: Box, transfer: Transfer) -> None:
    seen = box.storage.events.last()
    answer(box.storage, report_of(box, transfer.id, 2))
    (event,) = box.storage.events.since(seen)
    assert event.detail == {"transfer": transfer.id, "state": "queued"}


def test_what_was_deleted_here_and_is_missing_there_is_told(box: Box, transfer: Transfer) -> None:
    report = report_of(box, transfer.id, 1)
    with box.storage.transaction():
        box.storage.studies.remove_study(transfer.study_instance_uid)
    assert answer(box.storage, report)
    again = box.transfers.get(transfer.id)
    assert (again.state, again.sent) == (TransferState.QUEUED, 2)
    assert [item.blob_key for item in box.storage.transfers.pending(transfer.id)] == [""]
