"""What goes on beside a service: it outlives faults, and an index that is away or replaced."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from appliance.box import Box
from appliance.commitment import rounds
from appliance.commitment.rounds import beside
from appliance.errors import IndexUnavailableError
from appliance.storage.contract import Storage
from tests.support.waiting import wait_for


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "_TICK", 0.001)
    monkeypatch.setattr(rounds, "_TROUBLE", 0.001)


def test_it_goes_on_after_a_fault_and_ends_with_the_block(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    gone: list[int] = []

    def stumble(_storage: Storage, _stop: threading.Event) -> None:
        gone.append(1)
        if len(gone) == 1:
            raise RuntimeError("once")

    with beside(box.own_storage, stumble):
        wait_for(lambda: len(gone) > 3)
    ended = len(gone)
    assert "left in the middle" in caplog.text
    assert not [thread for thread in threading.enumerate() if "_go" in thread.name]
    assert len(gone) == ended


def test_an_index_that_is_away_is_waited_for_and_one_that_was_replaced_is_opened_anew(box: Box) -> None:
    opened: list[int] = []
    seen: list[int] = []

    @contextmanager
    def opening() -> Iterator[Storage]:
        opened.append(1)
        if len(opened) == 1:
            raise IndexUnavailableError("away", "wait")
        with box.own_storage() as storage:
            yield storage

    with beside(opening, lambda _storage, _stop: seen.append(len(opened))):
        wait_for(lambda: len(opened) > 3)
    assert seen[0] == 2
    assert max(seen) > 2
