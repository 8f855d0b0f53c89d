"""The promises of `contract.Commitments` and `contract.Proofs`, for every backend."""

from __future__ import annotations

import pytest

from appliance.dicom import header as headers
from appliance.events import now
from appliance.storage.contract import Storage
from appliance.storage.rows import Commitment, CommitmentState, Held, Proof, Reference, Transfer, TransferState
from tests.support.files import brainix

SOON, LATER, BEYOND = "2030-01-01T00:00:00.000+00:00", "2030-01-01T01:00:00.000+00:00", "2030-01-02T00:00:00.000+00:00"
ONE, TWO = Reference("1.2.840.10008.5.1.4.1.1.4", "1.2.3.1"), Reference("1.2.840.10008.5.1.4.1.1.4", "1.2.3.2")
ASKED = Commitment("1.2.9", "CT-1", "PACSBOX", "192.0.2.7", (ONE, TWO), "fingerprint", "mark", SOON)


def asked(storage: Storage, commitment: Commitment = ASKED) -> Commitment:
    with storage.transaction():
        return storage.commitments.add(commitment)


def test_a_question_is_kept_whole(storage: Storage) -> None:
    added = asked(storage)
    assert (added.references, added.total, added.duplicate) == ((ONE, TWO), 2, False)
    assert storage.commitments.get(added.id) == added
    assert storage.commitments.of_transaction("1.2.9") == [added]
    assert storage.commitments.of_transaction("1.2.8") == []


def test_what_is_due_comes_in_its_order_and_what_a_clock_that_was_ahead_put_off_too(storage: Storage) -> None:
    first, second = asked(storage), asked(storage)
    with storage.transaction():
        storage.commitments.put_off(first.id, LATER, "is away")
    assert [c.id for c in storage.commitments.due(SOON, BEYOND)] == [second.id]
    assert [c.id for c in storage.commitments.due(LATER, BEYOND)] == [second.id, first.id]
    with storage.transaction():
        storage.commitments.put_off(first.id, "2099-01-01T00:00:00.000+00:00")
    assert first.id in [c.id for c in storage.commitments.due(SOON, BEYOND)]


def test_what_is_closed_stays_closed_until_it_is_asked_again(storage: Storage) -> None:
    number = asked(storage).id
    with storage.transaction():
        assert storage.commitments.close(number, CommitmentState.REPORTED, failed=1)
        assert not storage.commitments.close(number, CommitmentState.GIVEN_UP)
        storage.commitments.put_off(number, SOON)
    closed = storage.commitments.get(number)
    assert closed is not None
    assert (closed.state, closed.failed, closed.references, closed.attempts) == (CommitmentState.REPORTED, 1, (), 0)
    assert storage.commitments.all(unfinished=True) == []
    with storage.transaction():
        storage.commitments.ask_again(number, ASKED)
    (again,) = storage.commitments.all(unfinished=True)
    assert (again.id, again.references, again.failed) == (number, (ONE, TWO), 0)


def test_only_what_is_closed_is_forgotten(storage: Storage) -> None:
    still, over = asked(storage), asked(storage)
    with storage.transaction():
        storage.commitments.close(over.id, CommitmentState.REPORTED)
        assert storage.commitments.forget(BEYOND) == 1
    assert [c.id for c in storage.commitments.all()] == [still.id]


@pytest.fixture
def transfer(storage: Storage) -> Transfer:
    """Three images that have gone out, and are to be asked about."""
    read = [headers.read(path) for path in brainix()[:3]]
    with storage.transaction():
        storage.studies.add([(header, f"key-{number}") for number, header in enumerate(read)])
        transfer = storage.transfers.add(read[0].uids[0], "CLINIC-B")
        storage.transfers.claim(now())
        for item in storage.transfers.pending(transfer.id):
            storage.transfers.acknowledge(transfer.id, {item.sop_instance_uid: ""})
        storage.proofs.want(transfer.id)
        storage.transfers.finish(transfer.id, TransferState.DONE)
    return now_of(storage, transfer.id)


def now_of(storage: Storage, number: int) -> Transfer:
    transfer = storage.transfers.get(number)
    assert transfer is not None
    return transfer


def test_what_we_hold_is_told_of_what_is_known(storage: Storage, transfer: Transfer) -> None:
    header = headers.read(brainix()[0])
    uid = header.uids[2]
    held = Held(header.instance["sop_class_uid"], "key-0", header.size, header.digest)
    assert storage.commitments.held([uid, "1.2.3"]) == {uid: held}
    assert storage.commitments.held([]) == {}


def test_a_transfer_that_is_not_being_sent_is_not_asked_about(storage: Storage, transfer: Transfer) -> None:
    with storage.transaction():
        other = storage.transfers.add(transfer.study_instance_uid, "CLINIC-C")
        storage.proofs.want(other.id)
    assert now_of(storage, other.id).proof is Proof.NONE


def test_an_answer_that_is_quicker_than_we_are_counts(storage: Storage, transfer: Transfer) -> None:
    assert [t.id for t in storage.proofs.due(BEYOND, BEYOND)] == [transfer.id]
    with storage.transaction():
        storage.proofs.begin(transfer.id, "2.25.1")
        storage.proofs.settle(transfer.id, Proof.CONFIRMED)
        storage.proofs.wait(transfer.id, "2.25.1", LATER)
        storage.proofs.put_off(transfer.id, "2.25.1", LATER)
    assert now_of(storage, transfer.id).proof is Proof.CONFIRMED
    assert storage.proofs.due(BEYOND, BEYOND) == []


def test_only_the_last_question_waits_for_its_answer(storage: Storage, transfer: Transfer) -> None:
    with storage.transaction():
        storage.proofs.begin(transfer.id, "2.25.1")
        storage.proofs.begin(transfer.id, "2.25.2")
        storage.proofs.wait(transfer.id, "2.25.1", LATER)
    assert now_of(storage, transfer.id).proof is Proof.ASKING
    assert storage.proofs.of_transaction("2.25.1") is None
    assert storage.proofs.of_transaction("") is None
    found = storage.proofs.of_transaction("2.25.2")
    assert found is not None
    assert (found.id, found.asked) == (transfer.id, 2)


def test_who_does_not_answer_in_time_is_overdue(storage: Storage, transfer: Transfer) -> None:
    with storage.transaction():
        storage.proofs.begin(transfer.id, "2.25.1")
        storage.proofs.wait(transfer.id, "2.25.1", LATER)
    assert storage.proofs.overdue(SOON) == []
    assert [t.id for t in storage.proofs.overdue(LATER)] == [transfer.id]


def test_settled_instances_are_forgotten_and_remarks_kept(storage: Storage, transfer: Transfer) -> None:
    assert len(storage.proofs.unproven(transfer.id)) == 3
    with storage.transaction():
        storage.proofs.settle(transfer.id, Proof.CONFIRMED)
    assert storage.proofs.unproven(transfer.id) == []
