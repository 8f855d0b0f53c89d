"""Several associations for one transfer: as many as the peer lets us, and what becomes of those that break."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.dimse.client.crew import Crew
from appliance.dimse.client.send import WORTH, send
from appliance.peers.faults import Fault, PeerError
from appliance.storage.rows import Peer, TransferItem
from appliance.transfers.ledger import Outcome
from tests.support.files import PYDICOM
from tests.support.ourselves import OURSELVES
from tests.support.scp import ABORT, acceptor, storescp, uids
from tests.support.waiting import wait_for

SMALL = PYDICOM / "test_files" / "MR_small.dcm"
MANY = 3 * WORTH


class Folder:
    """`Blobs` whose keys are paths."""

    def open(self, key: str) -> object:
        return Path(key).open("rb")


def images(count: int = MANY) -> list[TransferItem]:
    """One image as many instances; the peer believes the command."""
    sop_class, _, syntax = uids(SMALL)
    return [TransferItem(f"1.2.3.{n}", sop_class, syntax, str(SMALL), SMALL.stat().st_size) for n in range(count)]


def sent(peer: Peer, items: Sequence[TransferItem], scratch: Path, associations: int = 3) -> list[str]:
    """The SOP Instance UIDs that were reported as sent."""
    outcomes: list[Outcome] = []
    send(
        peer,
        items,
        outcomes.append,
        lambda: False,
        ourselves=OURSELVES,
        blobs=Folder(),  # type: ignore[arg-type]
        scratch=scratch,
        associations=associations,
    )
    assert all(outcome.sent for outcome in outcomes)
    return [outcome.sop_instance_uid for outcome in outcomes]


def each_once(received: Sequence[str]) -> bool:
    return sorted(received) == sorted(item.sop_instance_uid for item in images())


class Crowd:
    """Answers once so many have come at the same time, and then notes how many there are."""

    def __init__(self, wanted: int) -> None:
        self.barrier = threading.Barrier(wanted)
        self.met = False

    def __call__(self, _uid: str) -> int:
        if not self.met:
            self.barrier.wait(20)
            self.met = True
        return 0


def test_many_images_go_over_several_associations(tmp_path: Path) -> None:
    crowd = Crowd(3)
    with acceptor(crowd) as scp:
        reported = sent(scp.peer, images(), tmp_path)
    assert crowd.met
    assert each_once(reported)
    assert each_once(scp.received)


def test_a_few_images_are_not_worth_a_second_association(tmp_path: Path) -> None:
    with acceptor(most=1) as scp:
        assert len(sent(scp.peer, images(WORTH - 1), tmp_path)) == WORTH - 1


def test_a_peer_that_refuses_the_second_gets_all_over_the_first(tmp_path: Path) -> None:
    with acceptor(most=1) as scp:
        assert each_once(sent(scp.peer, images(), tmp_path))
    assert each_once(scp.received)


def test_a_peer_that_serves_one_at_a_time_lets_the_second_wait_for_nothing(tmp_path: Path) -> None:
    with storescp(tmp_path / "peer", "--ignore") as peer:
        for _ in range(3):
            assert each_once(sent(peer, images(), tmp_path))
            assert waiting() <= 2


def test_calls_that_are_never_answered_do_not_pile_up() -> None:
    answered = threading.Event()

    def call() -> contextlib.AbstractContextManager[None]:
        if threading.current_thread() is not threading.main_thread():
            answered.wait(30)
        return contextlib.nullcontext()

    for _ in range(3):
        Crew("GATEWAY", call, images(4), lambda *_: True, lambda: False).work(3)  # type: ignore[arg-type]
        wait_for(lambda: waiting() == 2)
    answered.set()
    wait_for(lambda: waiting() == 0)


def waiting() -> int:
    return sum(thread.name.startswith("association-") for thread in threading.enumerate())


def test_an_association_that_breaks_leaves_its_image_to_the_others(tmp_path: Path) -> None:
    crowd, broken = Crowd(2), threading.Event()

    def answer(uid: str) -> int:
        crowd(uid)
        if broken.is_set():
            return 0
        broken.set()
        return ABORT

    with acceptor(answer) as scp:
        assert each_once(sent(scp.peer, images(), tmp_path, associations=2))


def test_when_the_last_association_breaks_the_rest_is_for_later(tmp_path: Path) -> None:
    came: list[str] = []

    def answer(uid: str) -> int:
        came.append(uid)
        return ABORT if len(came) > 5 else 0

    with acceptor(answer) as scp, pytest.raises(PeerError) as caught:
        sent(scp.peer, images(), tmp_path)
    assert caught.value.fault in (Fault.ABORTED, Fault.LOST)


def test_a_full_peer_is_not_pestered_by_any_of_them(tmp_path: Path) -> None:
    with acceptor(lambda _: 0xA700) as scp, pytest.raises(PeerError) as caught:
        sent(scp.peer, images(), tmp_path)
    assert caught.value.fault is Fault.FULL
    assert len(scp.received) <= 4


def test_a_fault_of_ours_ends_all(tmp_path: Path) -> None:
    def report(_outcome: Outcome) -> None:
        raise ZeroDivisionError

    with acceptor() as scp, pytest.raises(ZeroDivisionError):
        send(
            scp.peer,
            [replace(item, blob_key="nowhere") for item in images(4)],
            report,
            lambda: False,
            ourselves=OURSELVES,
            blobs=Folder(),  # type: ignore[arg-type]
            scratch=tmp_path,
        )
