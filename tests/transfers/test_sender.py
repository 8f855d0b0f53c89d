"""The sender's own work: order, retries, what it makes of each ending. The peer is a function here."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from appliance import events
from appliance.box import Box
from appliance.errors import IndexUnavailableError
from appliance.peers.faults import Fault, PeerError
from appliance.storage.contract import Storage
from appliance.storage.rows import Peer, Transfer, TransferItem, TransferState
from appliance.transfers import delivery, retry
from appliance.transfers import sender as sending
from appliance.transfers.delivery import Delay, Send
from appliance.transfers.ledger import Outcome
from appliance.transfers.sender import Sender
from tests.conftest import Fill
from tests.support.files import brainix
from tests.support.sending import at_work, over, put_off
from tests.support.waiting import wait_for

NEVER = 1e9
"""Seconds."""

Report = Callable[[Outcome], None]
Stopped = Callable[[], bool]


@pytest.fixture
def study(box: Box, fill: Fill) -> str:
    """The UID of a study of ten images; there are three peers, too."""
    fill(brainix()[:10])
    for name in ("B", "C", "D"):
        box.peers.add(name, name, "127.0.0.1", 104)
    return next(box.storage.studies.study_uids())


def sender(box: Box, send: Send, *, parallel: int = 2, attempts: int = 3, delay: Delay = retry.delay) -> Sender:
    return Sender(box.own_storage, send, parallel=parallel, attempts=attempts, delay=delay)


def sent_to_b(box: Box, study: str, send: Send, delay: Delay = retry.delay) -> Transfer:
    """A transfer of the study to B, once it is over."""
    transfer = box.transfers.enqueue(study, "B")
    with at_work(sender(box, send, delay=delay)):
        return over(box, transfer)


def at_once(_fault: Fault, attempts: int, limit: int) -> float | None:
    return 0.0 if attempts < limit else None


class Taking:
    """A peer that takes everything, and what it got."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str]] = []
        self.stopped: Stopped = lambda: False

    def __call__(self, peer: Peer, items: Sequence[TransferItem], report: Report, stopped: Stopped) -> None:
        self.stopped = stopped
        for item in items:
            if stopped():
                return
            self.got.append((peer.name, item.sop_instance_uid))
            self.take(item, report)

    def take(self, item: TransferItem, report: Report) -> None:
        report(Outcome(item.sop_instance_uid, sent=True))


class Holding(Taking):
    """A peer that holds still after three images, until `told` is set and the sender has heard of it."""

    def __init__(self) -> None:
        super().__init__()
        self.told = threading.Event()

    def take(self, item: TransferItem, report: Report) -> None:
        if len(self.got) == 3:
            self.told.wait(20)
            wait_for(self.stopped, 20)
        super().take(item, report)


def states_told(box: Box, transfer: Transfer) -> list[str]:
    return [
        event.detail["state"]
        for event in box.storage.events.since(0)
        if event.kind == events.TRANSFER_CHANGED and event.detail["transfer"] == transfer.id
    ]


def test_a_queued_study_is_sent_whole(box: Box, study: str) -> None:
    peer = Taking()
    done = sent_to_b(box, study, peer)
    assert (done.state, done.sent, done.refused, done.message) == (TransferState.DONE, 10, 0, "")
    assert len(set(peer.got)) == len(peer.got) == 10


def test_what_is_queued_while_it_waits_is_sent_at_once(box: Box, study: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_DUE", NEVER)
    with at_work(sender(box, Taking())):
        first = over(box, box.transfers.enqueue(study, "B"))
        second = over(box, box.transfers.enqueue(study, "C"))
    assert (first.state, second.state) == (TransferState.DONE, TransferState.DONE)


def test_several_peers_at_a_time_and_one_transfer_a_peer(box: Box, study: str) -> None:
    running: list[str] = []
    seen: list[list[str]] = []
    lock, go_on = threading.Lock(), threading.Event()

    def send(peer: Peer, items: Sequence[TransferItem], report: Report, stopped: Stopped) -> None:
        with lock:
            running.append(peer.name)
            seen.append(sorted(running))
        go_on.wait(20)
        for item in items:
            report(Outcome(item.sop_instance_uid, sent=True))
        with lock:
            running.remove(peer.name)

    transfers = [box.transfers.enqueue(study, name) for name in ("B", "B", "C", "D")]
    with at_work(sender(box, send)):
        wait_for(lambda: len(running) == 2, 20, "two transfers at a time")
        go_on.set()
        for transfer in transfers:
            assert over(box, transfer).state is TransferState.DONE
    # The two that waited longest, of which either may have begun first; then whoever's turn it is.
    assert (seen[0], seen[1]) in ((["B"], ["B", "C"]), (["C"], ["B", "C"]))
    assert all(len(set(names)) == len(names) <= 2 for names in seen)


def test_progress_is_told_a_few_times_a_second_and_no_more(box: Box, study: str) -> None:
    transfer = box.transfers.enqueue(study, "B")
    with at_work(sender(box, Taking())):
        over(box, transfer)
    told = states_told(box, transfer)
    assert (told[:2], told[-1]) == (["queued", "sending"], "done")
    assert len(told) < 8


def test_cancelling_takes_effect_between_two_images(box: Box, study: str) -> None:
    peer = Holding()
    transfer = box.transfers.enqueue(study, "B")
    with at_work(sender(box, peer)):
        wait_for(lambda: len(peer.got) == 3)
        assert box.transfers.cancel(transfer.id)
        peer.told.set()
        wait_for(lambda: box.transfers.get(transfer.id).sent == 3)
    now = box.transfers.get(transfer.id)
    assert (now.state, now.sent) == (TransferState.CANCELLED, 3)
    assert len(peer.got) == 3
    assert states_told(box, transfer)[-1] == "cancelled"


def test_stopping_ends_the_image_and_leaves_the_rest_queued(box: Box, study: str) -> None:
    stop = threading.Event()

    class Stopping(Taking):
        def take(self, item: TransferItem, report: Report) -> None:
            if len(self.got) == 4:
                stop.set()
            super().take(item, report)

    peer = Stopping()
    transfer = box.transfers.enqueue(study, "B")
    sender(box, peer).run(stop)
    now = box.transfers.get(transfer.id)
    assert (now.state, now.sent, now.attempts, now.message) == (TransferState.QUEUED, 4, 0, "")
    with at_work(sender(box, peer)):
        assert over(box, transfer).state is TransferState.DONE
    assert len(set(peer.got)) == len(peer.got) == 10


def failing(fault: Fault, *, times: int = 1000, after: int = 0) -> tuple[Taking, Send]:
    """A peer that fails so many times, each time after having taken some images."""
    taking = Taking()
    left = [times]

    def send(peer: Peer, items: Sequence[TransferItem], report: Report, stopped: Stopped) -> None:
        if left[0]:
            left[0] -= 1
            taking(peer, items[:after], report, stopped)
            raise PeerError(fault, "Nothing answers at 127.0.0.1.")
        taking(peer, items, report, stopped)

    return taking, send


def test_a_fault_of_the_network_puts_it_off_and_says_why(box: Box, study: str) -> None:
    transfer = box.transfers.enqueue(study, "B")
    with at_work(sender(box, failing(Fault.SILENT)[1])):
        now = put_off(box, transfer)
    assert (now.message, now.attempts) == ("Nothing answers at 127.0.0.1.", 1)
    assert now.due > events.now()


def test_what_was_sent_before_a_fault_is_not_sent_again(box: Box, study: str) -> None:
    taking, send = failing(Fault.LOST, times=4, after=2)
    done = sent_to_b(box, study, send, at_once)
    assert done.state is TransferState.DONE
    assert len(set(taking.got)) == len(taking.got) == 10


def test_tries_that_bring_nothing_come_to_an_end(box: Box, study: str) -> None:
    now = sent_to_b(box, study, failing(Fault.SILENT)[1], at_once)
    assert now.state is TransferState.FAILED
    assert now.message == "Nothing answers at 127.0.0.1. Given up after 3 tries."


def test_a_refusal_fails_at_once(box: Box, study: str) -> None:
    now = sent_to_b(box, study, failing(Fault.CALLING_AE)[1])
    assert (now.state, now.attempts, now.message) == (TransferState.FAILED, 1, "Nothing answers at 127.0.0.1.")


def test_refused_images_make_it_fail_and_a_retry_sends_only_those(box: Box, study: str) -> None:
    class Picky(Taking):
        picky = True

        def take(self, item: TransferItem, report: Report) -> None:
            sent = not self.picky or len(self.got) not in (2, 5)
            report(Outcome(item.sop_instance_uid, sent=sent, note="" if sent else "B does not take it."))

    peer = Picky()
    transfer = box.transfers.enqueue(study, "B")
    with at_work(sender(box, peer)):
        failed = over(box, transfer)
        assert (failed.state, failed.sent, failed.refused) == (TransferState.FAILED, 8, 2)
        assert failed.message == "2 of 10 images not sent: B does not take it."
        refused = {uid for uid, _ in box.transfers.refusals(transfer.id)}
        peer.picky = False
        peer.got.clear()
        assert box.transfers.retry(transfer.id)
        assert over(box, transfer).state is TransferState.DONE
    assert {uid for _, uid in peer.got} == refused


def test_remarks_of_the_peer_do_not_make_it_fail_but_are_told(box: Box, study: str) -> None:
    class Changing(Taking):
        def take(self, item: TransferItem, report: Report) -> None:
            report(Outcome(item.sop_instance_uid, sent=True, note="B changed it."))

    done = sent_to_b(box, study, Changing())
    assert (done.state, done.message) == (TransferState.DONE, "All sent. 10 of 10 images: B changed it.")


def test_a_peer_that_was_removed_meanwhile(box: Box, study: str) -> None:
    transfer = box.transfers.enqueue(study, "B")
    box.peers.remove("B")
    with at_work(sender(box, Taking())):
        now = over(box, transfer)
    assert now.state is TransferState.FAILED
    assert now.message == "There is no peer B any more: add it and try again, or send the study to another."


def test_who_takes_over_a_peers_name_gets_only_what_staff_send_there(box: Box, study: str) -> None:
    peer = Taking()
    transfer = box.transfers.enqueue(study, "B")
    box.peers.remove("b")
    box.peers.add("B", "STRANGER", "127.0.0.1", 104)
    with at_work(sender(box, peer)):
        over(box, box.transfers.enqueue(study, "C"))
        assert box.transfers.get(transfer.id).state is TransferState.FAILED
        assert {name for name, _ in peer.got} == {"C"}
        assert box.transfers.retry(transfer.id)
        assert over(box, transfer).state is TransferState.DONE
    assert states_told(box, transfer)[:2] == ["queued", "failed"]


def test_removing_a_peer_stops_what_goes_there_between_two_images(box: Box, study: str) -> None:
    peer = Holding()
    transfer = box.transfers.enqueue(study, "B")
    with at_work(sender(box, peer)):
        wait_for(lambda: len(peer.got) == 3)
        box.peers.remove("B")
        peer.told.set()
        wait_for(lambda: box.transfers.get(transfer.id).sent == 3)
    assert box.transfers.get(transfer.id).state is TransferState.FAILED
    assert len(peer.got) == 3


def test_images_that_arrived_while_it_was_sent_are_told(box: Box, study: str, fill: Fill) -> None:
    transfer = box.transfers.enqueue(study, "B")
    fill(brainix()[10:13])
    with at_work(sender(box, Taking())):
        done = over(box, transfer)
    assert (done.state, done.sent) == (TransferState.DONE, 10)
    assert done.message == "3 images arrived since the 10 that were sent: send the study again for those."


def test_what_a_clock_that_was_ahead_has_queued_is_sent(box: Box, study: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("appliance.storage.sqlite.transfers.now", lambda: "2090-01-01T00:00:00.000+00:00")
        transfer = box.transfers.enqueue(study, "B")
    with at_work(sender(box, Taking())):
        assert over(box, transfer).state is TransferState.DONE


def test_a_study_that_was_deleted_meanwhile(box: Box, study: str) -> None:
    transfer = box.transfers.enqueue(study, "B")
    with box.storage.transaction():
        box.storage.studies.remove_study(study)
    with at_work(sender(box, Taking())):
        now = over(box, transfer)
    assert (now.state, now.sent, now.refused) == (TransferState.FAILED, 0, 10)
    assert now.message == "The study was deleted here when 0 of 10 images had been sent."


def test_a_fault_of_ours_is_told_and_does_not_keep_others(box: Box, study: str) -> None:
    taking = Taking()

    def send(peer: Peer, items: Sequence[TransferItem], report: Report, stopped: Stopped) -> None:
        if peer.name == "B":
            raise ZeroDivisionError
        taking(peer, items, report, stopped)

    bad, good = box.transfers.enqueue(study, "B"), box.transfers.enqueue(study, "C")
    with at_work(sender(box, send, parallel=1)):
        assert put_off(box, bad).message == "A fault of this box stopped the transfer to B: its log says more."
        assert over(box, good).state is TransferState.DONE


def test_a_transfer_whose_thread_died_is_tried_again_later(
    box: Box, study: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = [ZeroDivisionError()]

    def delay(_fault: Fault, _attempts: int, _limit: int) -> float:
        if faults:
            raise faults.pop()
        return 2.0

    transfer = box.transfers.enqueue(study, "B")
    monkeypatch.setattr(sending, "_DUE", NEVER)
    with at_work(sender(box, failing(Fault.SILENT, times=1)[1], delay=delay)):
        assert put_off(box, transfer).message == "A fault of this box stopped the transfer to B: its log says more."
        monkeypatch.setattr(sending, "_DUE", 0.1)
        assert over(box, transfer).state is TransferState.DONE


def test_nothing_counts_as_done_that_was_left_unsettled(box: Box, study: str) -> None:
    transfer = box.transfers.enqueue(study, "B")
    with at_work(sender(box, lambda *_: None)):
        assert put_off(box, transfer).message.startswith("A fault of this box")


def test_what_a_dead_sender_left_is_taken_up_again(box: Box, study: str) -> None:
    transfer = box.transfers.enqueue(study, "B")
    with box.storage.transaction():
        box.storage.transfers.claim(events.now())
    with at_work(sender(box, Taking())):
        assert over(box, transfer).state is TransferState.DONE


def test_a_transfer_that_ends_the_sender_each_time_is_given_up(box: Box, study: str) -> None:
    transfer = box.transfers.enqueue(study, "B")
    for _ in range(3):
        with box.storage.transaction():
            box.storage.transfers.claim(events.now())
            box.storage.transfers.recover()
    peer = Taking()
    with at_work(sender(box, peer)):
        now = over(box, transfer)
    assert now.state is TransferState.FAILED
    assert now.message.startswith("Sending was cut short 3 times")
    assert not peer.got


def test_an_index_that_is_away_is_waited_for_and_nothing_is_sent_twice(
    box: Box, study: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "INDEX_DOWN", 0.01)
    monkeypatch.setattr("appliance.transfers.sender.INDEX_DOWN", 0.01)
    real = type(box.storage).transaction
    tries: Counter[str] = Counter()

    @contextmanager
    def flickering(storage: Storage) -> Iterator[None]:
        name = threading.current_thread().name
        if name.startswith(("transfer", "sender")):
            tries[name] += 1
            if tries[name] % 3 == 1:
                raise IndexUnavailableError("The index is away.")
        with real(storage):  # type: ignore[arg-type]
            yield

    class Going(Taking):
        def take(self, item: TransferItem, report: Report) -> None:
            if len(self.got) == 5:
                wait_for(lambda: tries[writer] >= 2, 20, "the first acknowledgements to be refused")
            super().take(item, report)

    transfer = box.transfers.enqueue(study, "B")
    writer = f"transfer-{transfer.id}"
    monkeypatch.setattr(type(box.storage), "transaction", flickering)
    peer = Going()
    with at_work(sender(box, peer)):
        done = over(box, transfer)
    assert (done.state, done.sent, done.attempts) == (TransferState.DONE, 10, 1)
    assert len(set(peer.got)) == len(peer.got) == 10
    # Refused were the sender's first look, the first acknowledgements, and the end or something before it.
    assert set(tries) == {"sender", writer}
    assert tries["sender"] >= 3
    assert tries[writer] >= 5
