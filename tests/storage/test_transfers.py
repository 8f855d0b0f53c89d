"""The promise of `contract.Transfers`, for every backend: the queue and its state machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.dicom import header as headers
from appliance.storage.contract import Storage
from appliance.storage.rows import Transfer, TransferState
from tests.support.files import brainix, knee

NOW = "2030-01-01T00:00:00.000+00:00"
LATER = "2030-01-01T01:00:00.000+00:00"


@pytest.fixture
def study(storage: Storage) -> str:
    """The UID of a study of six images."""
    return entered(storage, brainix)


def entered(storage: Storage, files: Callable[[], list[Path]]) -> str:
    with storage.transaction():
        read = [headers.read(path) for path in files()[:6]]
        storage.studies.add((header, f"key-{number}") for number, header in enumerate(read))
    return read[0].uids[0]


def queued(storage: Storage, study: str, *peers: str) -> list[int]:
    with storage.transaction():
        return [storage.transfers.add(study, peer).id for peer in peers]


def claim(storage: Storage, now: str = NOW, busy: tuple[str, ...] = ()) -> Transfer | None:
    with storage.transaction():
        return storage.transfers.claim(now, busy)


def claimed(storage: Storage, study: str) -> Transfer:
    queued(storage, study, "B")
    transfer = claim(storage)
    assert transfer is not None
    return transfer


def now_of(storage: Storage, transfer_id: int) -> Transfer:
    transfer = storage.transfers.get(transfer_id)
    assert transfer is not None
    return transfer


def test_a_new_transfer_has_every_instance_pending(storage: Storage, study: str) -> None:
    (number,) = queued(storage, study, "B")
    transfer = now_of(storage, number)
    assert transfer.state is TransferState.QUEUED
    assert (transfer.total, transfer.sent, transfer.refused, transfer.attempts) == (6, 0, 0, 0)
    pending = storage.transfers.pending(number)
    assert [item.blob_key for item in pending] == [f"key-{n}" for n in range(6)]
    assert {item.sop_class_uid for item in pending} == {"1.2.840.10008.5.1.4.1.1.4"}
    assert [item.size for item in pending] == [path.stat().st_size for path in brainix()[:6]]


def test_instances_that_come_later_are_not_part_of_it(storage: Storage, study: str) -> None:
    (number,) = queued(storage, study, "B")
    with storage.transaction():
        storage.studies.add([(headers.read(brainix()[10]), "key-10")])
    assert now_of(storage, number).total == 6
    assert len(storage.transfers.pending(number)) == 6


def test_a_claim_takes_the_one_that_has_waited_longest(storage: Storage, study: str) -> None:
    first, second = queued(storage, study, "B", "C")
    claims = [claim(storage), claim(storage)]
    assert [transfer.id for transfer in claims if transfer] == [first, second]
    assert {(t.state, t.attempts) for t in claims if t} == {(TransferState.SENDING, 1)}
    assert claim(storage) is None


def test_a_claim_passes_over_busy_peers_in_whatever_case(storage: Storage, study: str) -> None:
    queued(storage, study, "Clinic-B", "C")
    transfer = claim(storage, busy=("CLINIC-b",))
    assert transfer is not None
    assert transfer.peer == "C"


def test_a_claim_leaves_what_is_not_due(storage: Storage, study: str) -> None:
    transfer = claimed(storage, study)
    with storage.transaction():
        assert storage.transfers.finish(transfer.id, TransferState.QUEUED, "Nothing answers.", LATER)
    assert claim(storage, NOW) is None
    again = claim(storage, LATER)
    assert again is not None
    assert (again.attempts, again.message) == (2, "")


def test_a_claim_takes_what_a_clock_that_was_ahead_has_put_off(storage: Storage, study: str) -> None:
    transfer = claimed(storage, study)
    with storage.transaction():
        storage.transfers.finish(transfer.id, TransferState.QUEUED, "Nothing answers.", LATER)
        assert storage.transfers.claim(NOW, beyond=LATER) is None
        taken = storage.transfers.claim(NOW, beyond="2030-01-01T00:31:00.000+00:00")
    assert taken is not None
    assert taken.id == transfer.id


def test_all_that_is_on_its_way_to_a_peer_fails_at_once(storage: Storage, study: str) -> None:
    sending = claimed(storage, study)
    waiting, other = queued(storage, study, "B", "C")
    with storage.transaction():
        failed = storage.transfers.fail_all("b", "It is gone.")
        assert storage.transfers.fail_all("b", "It is gone.") == []
    assert [(transfer.id, transfer.message) for transfer in failed] == [
        (sending.id, "It is gone."),
        (waiting, "It is gone."),
    ]
    assert {transfer.state for transfer in failed} == {TransferState.FAILED}
    assert now_of(storage, other).state is TransferState.QUEUED


def test_two_senders_cannot_claim_the_same(opener: Callable[[], Storage]) -> None:
    one, other = opener(), opener()
    queued(one, entered(one, brainix), "B")
    assert (claim(one) is None) != (claim(other) is None)


def test_what_is_acknowledged_is_never_pending_again(storage: Storage, study: str) -> None:
    transfer = claimed(storage, study)
    done, refused, *rest = (item.sop_instance_uid for item in storage.transfers.pending(transfer.id))
    with storage.transaction():
        storage.transfers.acknowledge(transfer.id, {done: ""})
        storage.transfers.refuse(transfer.id, {refused: "It does not take it."})
        storage.transfers.acknowledge(transfer.id, {done: ""})
        storage.transfers.refuse(transfer.id, {done: "too late"})
    assert [item.sop_instance_uid for item in storage.transfers.pending(transfer.id)] == rest
    now = now_of(storage, transfer.id)
    assert (now.sent, now.refused, now.total) == (1, 1, 6)
    assert storage.transfers.refusals(transfer.id) == [(refused, "It does not take it.")]


def test_of_many_at_once_each_is_counted_once_with_what_was_said_of_it(storage: Storage, study: str) -> None:
    transfer = claimed(storage, study)
    uids = [item.sop_instance_uid for item in storage.transfers.pending(transfer.id)]
    with storage.transaction():
        storage.transfers.acknowledge(transfer.id, {uids[0]: ""})
        storage.transfers.acknowledge(transfer.id, {uids[0]: "late", uids[1]: "", uids[2]: "changed", "1.2.3": ""})
        storage.transfers.refuse(transfer.id, {uids[1]: "late", uids[3]: "too large", uids[4]: "unknown"})
        storage.transfers.acknowledge(transfer.id, {})
    now = now_of(storage, transfer.id)
    assert (now.sent, now.refused) == (3, 2)
    assert storage.transfers.notes(transfer.id) == ["changed"]
    assert dict(storage.transfers.refusals(transfer.id)) == {uids[3]: "too large", uids[4]: "unknown"}
    assert [item.sop_instance_uid for item in storage.transfers.pending(transfer.id)] == uids[5:]


def test_remarks_on_what_was_taken_are_kept(storage: Storage, study: str) -> None:
    transfer = claimed(storage, study)
    first, second, *_ = storage.transfers.pending(transfer.id)
    with storage.transaction():
        storage.transfers.acknowledge(transfer.id, {first.sop_instance_uid: "changed"})
        storage.transfers.acknowledge(transfer.id, {second.sop_instance_uid: ""})
    assert storage.transfers.notes(transfer.id) == ["changed"]
    assert storage.transfers.refusals(transfer.id) == []


def test_tries_are_counted_anew_when_an_instance_gets_through(storage: Storage, study: str) -> None:
    transfer = claimed(storage, study)
    for _ in range(3):
        with storage.transaction():
            storage.transfers.finish(transfer.id, TransferState.QUEUED, "Lost.", NOW)
        claim(storage)
    assert now_of(storage, transfer.id).attempts == 4
    with storage.transaction():
        storage.transfers.acknowledge(transfer.id, {storage.transfers.pending(transfer.id)[0].sop_instance_uid: ""})
    assert now_of(storage, transfer.id).attempts == 1


def test_putting_back_does_not_count_the_try(storage: Storage, study: str) -> None:
    transfer = claimed(storage, study)
    with storage.transaction():
        assert storage.transfers.put_back(transfer.id)
        assert not storage.transfers.put_back(transfer.id)
    now = now_of(storage, transfer.id)
    assert (now.state, now.attempts) == (TransferState.QUEUED, 0)
    assert claim(storage) is not None


def test_cancelling_wins_over_finishing(storage: Storage, study: str) -> None:
    transfer = claimed(storage, study)
    with storage.transaction():
        assert storage.transfers.cancel(transfer.id)
        assert not storage.transfers.cancel(transfer.id)
        assert not storage.transfers.finish(transfer.id, TransferState.DONE)
        assert not storage.transfers.put_back(transfer.id)
    assert now_of(storage, transfer.id).state is TransferState.CANCELLED


def test_a_retry_sends_what_was_refused_or_left_and_nothing_twice(storage: Storage, study: str) -> None:
    transfer = claimed(storage, study)
    done, refused, *rest = (item.sop_instance_uid for item in storage.transfers.pending(transfer.id))
    with storage.transaction():
        storage.transfers.acknowledge(transfer.id, {done: ""})
        storage.transfers.refuse(transfer.id, {refused: "It does not take it."})
        assert not storage.transfers.retry(transfer.id, NOW)
        storage.transfers.finish(transfer.id, TransferState.FAILED, "1 of 6 was not sent.")
        assert storage.transfers.retry(transfer.id, NOW)
        assert not storage.transfers.retry(transfer.id, NOW)
    now = now_of(storage, transfer.id)
    assert (now.state, now.attempts, now.message, now.sent, now.refused) == (TransferState.QUEUED, 0, "", 1, 0)
    assert {item.sop_instance_uid for item in storage.transfers.pending(transfer.id)} == {refused, *rest}


def test_of_one_that_is_done_the_counts_and_remarks_remain(storage: Storage, study: str) -> None:
    transfer = claimed(storage, study)
    with storage.transaction():
        for number, item in enumerate(storage.transfers.pending(transfer.id)):
            storage.transfers.acknowledge(transfer.id, {item.sop_instance_uid: "" if number else "changed"})
        storage.transfers.finish(transfer.id, TransferState.DONE)
    assert now_of(storage, transfer.id).sent == now_of(storage, transfer.id).total == 6
    assert storage.transfers.notes(transfer.id) == ["changed"]
    assert storage.transfers.pending(transfer.id) == []


@pytest.mark.parametrize("state", [TransferState.DONE, TransferState.QUEUED, TransferState.SENDING])
def test_only_what_failed_or_was_cancelled_can_be_retried(storage: Storage, study: str, state: TransferState) -> None:
    transfer = claimed(storage, study)
    with storage.transaction():
        if state is not TransferState.SENDING:
            storage.transfers.finish(transfer.id, state)
        assert not storage.transfers.retry(transfer.id, NOW)


def test_what_a_dead_sender_left_is_queued_again(opener: Callable[[], Storage]) -> None:
    dead, new = opener(), opener()
    study = entered(dead, brainix)
    transfer = claimed(dead, study)
    queued(dead, study, "C")
    with new.transaction():
        assert new.transfers.recover() == 1
        assert new.transfers.recover() == 0
    now = now_of(new, transfer.id)
    assert (now.state, now.attempts) == (TransferState.QUEUED, 1)


def test_deleted_instances_are_pending_without_a_file(storage: Storage, study: str) -> None:
    transfer = claimed(storage, study)
    done = storage.transfers.pending(transfer.id)[0].sop_instance_uid
    with storage.transaction():
        storage.transfers.acknowledge(transfer.id, {done: ""})
        storage.studies.remove_study(study)
    pending = storage.transfers.pending(transfer.id)
    assert len(pending) == 5
    assert {item.blob_key for item in pending} == {""}
    assert now_of(storage, transfer.id).total == 6


def test_all_come_newest_first_and_unfinished_ones_alone_if_asked(storage: Storage, study: str) -> None:
    first, second, third = queued(storage, study, "B", "C", "D")
    with storage.transaction():
        storage.transfers.cancel(second)
    assert [transfer.id for transfer in storage.transfers.all()] == [third, second, first]
    assert [transfer.id for transfer in storage.transfers.all(2)] == [third, second]
    assert [transfer.id for transfer in storage.transfers.all(unfinished=True)] == [third, first]
    assert storage.transfers.get(999) is None


def test_a_transfer_is_of_one_study(storage: Storage, study: str) -> None:
    other = entered(storage, knee)
    first, second = queued(storage, study, "B")[0], queued(storage, other, "B")[0]
    one, two = ({item.sop_instance_uid for item in storage.transfers.pending(number)} for number in (first, second))
    assert not one & two
