"""A burst is granted, then one try in so many seconds, for each address by itself."""

from __future__ import annotations

from web.limiter import _MANY, Limiter


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_granted_and_then_one_try_at_a_time() -> None:
    clock = Clock()
    limiter = Limiter(3, 10.0, clock)
    assert [limiter.wait("192.0.2.1") for _ in range(4)] == [0, 0, 0, 10]
    clock.now = 4.0
    assert limiter.wait("192.0.2.1") == 6
    clock.now = 10.0
    assert [limiter.wait("192.0.2.1") for _ in range(2)] == [0, 10]
    clock.now = 1000.0
    assert [limiter.wait("192.0.2.1") for _ in range(4)] == [0, 0, 0, 10]


def test_addresses_do_not_hinder_each_other_but_those_of_one_household_share() -> None:
    limiter = Limiter(1, 10.0, Clock())
    assert limiter.wait("192.0.2.1") == 0
    assert limiter.wait("192.0.2.2") == 0
    assert limiter.wait("2001:db8:0:1::1") == 0
    assert limiter.wait("2001:db8:0:1:ffff::9") > 0
    assert limiter.wait("2001:db8:0:2::1") == 0
    assert limiter.wait("") == 0


def test_who_guesses_at_one_thing_does_not_hinder_others_of_his_address_at_theirs() -> None:
    limiter = Limiter(1, 10.0, Clock())
    assert limiter.wait("192.0.2.1", "a") == 0
    assert limiter.wait("192.0.2.1", "a") > 0
    assert limiter.wait("192.0.2.1", "b") == 0


def test_memory_is_bounded() -> None:
    limiter = Limiter(1, 10.0, Clock())
    for number in range(_MANY + 50):
        limiter.wait(f"10.0.{number // 256}.{number % 256}")
    assert len(limiter._buckets) == _MANY


def test_a_try_that_was_no_guess_is_given_back() -> None:
    limiter = Limiter(2, 10.0, Clock())
    for _ in range(5):
        assert limiter.wait("192.0.2.1", "a") == 0
        limiter.give_back("192.0.2.1", "a")
    limiter.give_back("192.0.2.9")
    assert [limiter.wait("192.0.2.1", "a") > 0 for _ in range(3)] == [False, False, True]
