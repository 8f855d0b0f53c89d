"""What callers ask is written down once, and outlives everything until they have heard the answer."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from appliance.box import Box
from appliance.commitment.asked import accept, asker
from appliance.commitment.evidence import Evidence
from appliance.commitment.messages import Question, Report
from appliance.commitment.reporter import Reporter
from appliance.events import now, stamp
from appliance.peers.faults import Fault, PeerError
from appliance.storage.rows import Commitment, CommitmentState, Peer, Reference
from tests.conftest import Fill
from tests.support.files import brainix
from tests.support.scp import uids

MR = "1.2.840.10008.5.1.4.1.1.4"
ONE, TWO = Reference(MR, "1.2.3.1"), Reference(MR, "1.2.3.2")


def ask(box: Box, *references: Reference, who: str = "MODALITY", transaction: str = "1.2.9") -> Commitment:
    mark = Evidence(box.blobs, box.spool("test")).mark()
    question = Question(transaction, references)
    return accept(box.storage, question, ae_title=who, called="PACSBOX", address="127.0.0.1", mark=mark)


def at_once(box: Box, number: int) -> None:
    """The sender may look at it."""
    with box.storage.transaction():
        box.storage.commitments.put_off(number, now(), attempts=0)


def test_the_same_question_twice_is_one_transaction(box: Box) -> None:
    first = ask(box, ONE, TWO)
    again = ask(box, TWO, ONE)
    assert (again.id, again.duplicate) == (first.id, False)


def test_a_question_is_answered_anew_when_it_is_asked_again(box: Box) -> None:
    first = ask(box, ONE)
    with box.storage.transaction():
        box.storage.commitments.close(first.id, CommitmentState.REPORTED)
    again = ask(box, ONE)
    assert (again.id, again.state, again.references) == (first.id, CommitmentState.OPEN, (ONE,))


@pytest.mark.parametrize(("who", "reference"), [("MODALITY", TWO), ("OTHER", ONE)])
def test_another_question_under_a_transaction_in_use_is_a_duplicate(box: Box, who: str, reference: Reference) -> None:
    first = ask(box, ONE)
    second = ask(box, reference, who=who)
    assert second.duplicate
    assert second.id != first.id
    assert not box.storage.commitments.get(first.id).duplicate


def test_who_asked_is_the_peer_at_its_address() -> None:
    here, there = Peer("A", "CT", "192.0.2.1", 104), Peer("B", "CT", "192.0.2.2", 104)
    commitment = Commitment("1.2.9", "CT", "PACSBOX", "192.0.2.2", (), "", "", "")
    assert asker([here, there], commitment) == there
    roaming = Peer("D", "CT", "ct.clinic.example", 104, calls_from=("192.0.2.0/24",))
    assert asker([Peer("A", "CT", "ct.other.example", 104), roaming], commitment) == roaming
    assert asker([here], commitment) == here
    assert asker([Peer("C", "MR", "192.0.2.2", 104)], commitment) is None


class Telling:
    """A peer that may be away."""

    def __init__(self) -> None:
        self.away: set[str] = set()
        self.told: list[tuple[str, str, Report]] = []
        self.called: list[str] = []

    def __call__(self, peer: Peer, our_title: str, report: Report) -> None:
        self.called.append(peer.name)
        if peer.name in self.away:
            raise PeerError(Fault.NOT_LISTENING, f"{peer.name} is away.")
        self.told.append((peer.name, our_title, report))


@pytest.fixture
def telling() -> Telling:
    return Telling()


@pytest.fixture
def reporter(box: Box, telling: Telling) -> Reporter:
    return Reporter(Evidence(box.blobs, box.spool("test")), telling, delays=(0.0, 600.0))


def go(box: Box, reporter: Reporter) -> None:
    reporter.once(box.storage, threading.Event())


def test_the_sender_leaves_the_receiver_its_head_start(box: Box, reporter: Reporter, telling: Telling) -> None:
    box.peers.add("MOD", "MODALITY", "127.0.0.1", 104)
    ask(box, ONE)
    go(box, reporter)
    assert telling.called == []


def test_a_report_is_tried_again_until_it_is_heard(box: Box, fill: Fill, reporter: Reporter, telling: Telling) -> None:
    fill(brainix()[:1])
    box.peers.add("MOD", "MODALITY", "127.0.0.1", 104)
    here = Reference(*uids(brainix()[0])[:2])
    number = ask(box, here, ONE).id
    at_once(box, number)
    telling.away.add("MOD")
    go(box, reporter)
    put_off = box.storage.commitments.get(number)
    assert (put_off.state, put_off.attempts, put_off.message) == (CommitmentState.OPEN, 1, "MOD is away.")
    telling.away.clear()
    go(box, reporter)
    ((peer, title, report),) = telling.told
    assert (peer, title, report.kept, [reason for _, reason in report.failed]) == ("MOD", "PACSBOX", (here,), [0x0112])
    done = box.storage.commitments.get(number)
    assert (done.state, done.total, done.failed, done.references) == (CommitmentState.REPORTED, 2, 1, ())


def test_pauses_grow(box: Box, reporter: Reporter, telling: Telling) -> None:
    box.peers.add("MOD", "MODALITY", "127.0.0.1", 104)
    at_once(box, ask(box, ONE).id)
    telling.away.add("MOD")
    for _ in range(3):
        go(box, reporter)
    assert telling.called == ["MOD", "MOD"]


def test_a_peer_that_is_away_is_tried_once_for_all_of_its_questions(
    box: Box, reporter: Reporter, telling: Telling
) -> None:
    box.peers.add("MOD", "MODALITY", "127.0.0.1", 104)
    box.peers.add("CT", "CT", "127.0.0.1", 105)
    for transaction, who in (("1.2.1", "MODALITY"), ("1.2.2", "MODALITY"), ("1.2.3", "CT")):
        at_once(box, ask(box, ONE, who=who, transaction=transaction).id)
    telling.away.add("MOD")
    go(box, reporter)
    assert telling.called == ["MOD", "CT"]


def test_a_caller_that_is_no_peer_is_waited_for_in_words(box: Box, reporter: Reporter) -> None:
    number = ask(box, ONE).id
    at_once(box, number)
    go(box, reporter)
    assert box.storage.commitments.get(number).message == (
        "No peer has the AE title MODALITY: add it, with its address and port, and it will be told."
    )


def test_a_report_that_nobody_takes_is_given_up_and_forgotten(box: Box, reporter: Reporter, telling: Telling) -> None:
    box.peers.add("MOD", "MODALITY", "127.0.0.1", 104)
    number = ask(box, ONE).id
    at_once(box, number)
    telling.away.add("MOD")
    long_ago(box, number)
    go(box, reporter)
    given_up = box.storage.commitments.get(number)
    assert (given_up.state, given_up.message) == (CommitmentState.GIVEN_UP, "MOD is away.")
    with box.storage.transaction():
        assert box.storage.commitments.forget(stamp(datetime.now(UTC) + timedelta(seconds=1))) == 1
    assert box.storage.commitments.get(number) is None


def long_ago(box: Box, number: int) -> None:
    at = stamp(datetime.now(UTC) - timedelta(days=4))
    box.storage.commitments._conn.execute("UPDATE commitment SET created = ? WHERE id = ?", (at, number))  # type: ignore[attr-defined]
