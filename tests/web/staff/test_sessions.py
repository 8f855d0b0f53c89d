"""Sessions of staff: opened, gone on with, over."""

from __future__ import annotations

from appliance.storage.rows import Person
from web.staff.sessions import _MOST, Sessions

ANNA = Person(7, "Anna", "hash", ("query",), "", session_epoch=3)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def made() -> tuple[Sessions, Clock]:
    clock = Clock()
    return Sessions(100, 1000, clock), clock


def test_who_has_the_text_has_the_session() -> None:
    sessions, _ = made()
    text = sessions.open(ANNA)
    session = sessions.seen(text)
    assert session is not None
    assert (session.person_id, session.epoch) == (7, 3)
    for other in ("", text[:-1], text + "x", "x" * 43):
        assert sessions.seen(other) is None


def test_each_has_256_bits_of_its_own_and_only_a_digest_is_held() -> None:
    sessions, _ = made()
    first, second = sessions.open(ANNA), sessions.open(ANNA)
    assert first != second
    assert len(first) == 43
    assert first not in repr(vars(sessions))


def test_silence_ends_it_and_asking_goes_on_with_it() -> None:
    sessions, clock = made()
    text = sessions.open(ANNA)
    for clock.now in (99.0, 198.0):
        assert sessions.seen(text) is not None
    clock.now = 290.0
    assert sessions.is_open(text)
    clock.now = 298.0
    assert not sessions.is_open(text)
    assert sessions.seen(text) is None


def test_it_ends_in_any_case_in_the_end() -> None:
    sessions, clock = made()
    text = sessions.open(ANNA)
    for clock.now in range(0, 1000, 50):
        assert sessions.seen(text) is not None
    clock.now = 1000.0
    assert sessions.seen(text) is None


def test_a_closed_one_is_over_at_once() -> None:
    sessions, _ = made()
    text, other = sessions.open(ANNA), sessions.open(ANNA)
    sessions.close(text)
    sessions.close(text)
    assert sessions.seen(text) is None
    assert sessions.seen(other) is not None


def test_there_are_only_so_many_and_the_quiet_ones_go_first() -> None:
    sessions, _ = made()
    first, second = sessions.open(ANNA), sessions.open(ANNA)
    sessions.seen(first)
    for _ in range(_MOST - 1):
        sessions.open(ANNA)
    assert sessions.seen(first) is not None
    assert sessions.seen(second) is None
