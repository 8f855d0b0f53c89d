"""What every backend promises about shares and their log."""

from __future__ import annotations

import threading

import pytest

from appliance.storage.contract import Storage
from appliance.storage.rows import Share
from tests.storage.conftest import Opener

LATER = "2099-01-01T00:00:00.000+00:00"


@pytest.fixture
def share(storage: Storage) -> Share:
    with storage.transaction():
        return storage.shares.add("1.2.3", "c0de", "pin", LATER)


def test_a_share_is_found_by_number_and_by_code(storage: Storage, share: Share) -> None:
    assert storage.shares.get(share.id) == storage.shares.by_code("c0de") == share
    assert (share.revoked, share.failed_attempts, share.session_epoch) == ("", 0, 0)
    assert storage.shares.get(share.id + 1) is None
    assert storage.shares.by_code("other") is None


def test_shares_come_newest_first_all_or_of_a_study(storage: Storage, share: Share) -> None:
    with storage.transaction():
        other = storage.shares.add("4.5.6", "c0de2", "", LATER)
    assert storage.shares.all() == [other, share]
    assert storage.shares.all("1.2.3") == [share]
    assert storage.shares.all("9.9.9") == []


def test_a_number_is_never_given_twice(storage: Storage, share: Share) -> None:
    with pytest.raises(ZeroDivisionError), storage.transaction():
        storage.shares.add("1.2.3", "rolled back", "", LATER)
        raise ZeroDivisionError
    with storage.transaction():
        assert storage.shares.add("1.2.3", "next", "", LATER).id > share.id
    assert storage.shares.by_code("rolled back") is None


def test_revoking_twice_keeps_the_first_time(storage: Storage, share: Share) -> None:
    with storage.transaction():
        storage.shares.revoke(share.id)
    first = storage.shares.get(share.id)
    assert first is not None
    assert first.revoked
    with storage.transaction():
        storage.shares.revoke(share.id)
    assert storage.shares.get(share.id) == first


def test_attempts_are_taken_up_to_the_limit_and_given_back_when_right(storage: Storage, share: Share) -> None:
    def take() -> bool:
        with storage.transaction():
            return storage.shares.take_attempt(share.id, 3)

    assert [take() for _ in range(4)] == [True, True, True, False]
    with storage.transaction():
        storage.shares.give_back_attempt(share.id)
    assert [take(), take()] == [True, False]
    with storage.transaction():
        for _ in range(9):
            storage.shares.give_back_attempt(share.id)
    kept = storage.shares.get(share.id)
    assert kept is not None
    assert kept.failed_attempts == 0


def test_attempts_from_many_connections_never_exceed_the_limit(storage: Storage, share: Share, opener: Opener) -> None:
    taken: list[bool] = []

    def guess() -> None:
        own = opener()
        for _ in range(5):
            with own.transaction():
                taken.append(own.shares.take_attempt(share.id, 10))
        own.close()

    threads = [threading.Thread(target=guess) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(taken), sum(taken)) == (30, 10)


def test_rearming_forgets_wrong_attempts_and_begins_a_new_epoch(storage: Storage, share: Share) -> None:
    with storage.transaction():
        storage.shares.take_attempt(share.id, 3)
        storage.shares.rearm(share.id, "new pin")
    kept = storage.shares.get(share.id)
    assert kept is not None
    assert (kept.failed_attempts, kept.pin_hash, kept.session_epoch) == (0, "new pin", 1)


def test_the_log_is_kept_newest_first_and_counted(storage: Storage, share: Share) -> None:
    with storage.transaction():
        storage.shares.log(share.id, "192.0.2.1", "wrong pin")
        storage.shares.log(share.id, "192.0.2.1", "opened")
        storage.shares.log(share.id, "2001:db8::1", "pictures", "series 1 (CT)")
        storage.shares.log(share.id, "192.0.2.2", "opened")
    log = storage.shares.openings(share.id)
    assert [(one.address, one.what, one.detail) for one in log] == [
        ("192.0.2.2", "opened", ""),
        ("2001:db8::1", "pictures", "series 1 (CT)"),
        ("192.0.2.1", "opened", ""),
        ("192.0.2.1", "wrong pin", ""),
    ]
    assert storage.shares.opened([share.id, 99]) == {share.id: (2, log[0].at)}
    assert storage.shares.opened([]) == {}
    assert storage.shares.openings(99) == []
