"""The backend under test: every test of a promise in `contract` runs on each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.storage.contract import Storage
from appliance.storage.sqlite.store import SqliteStorage

Opener = Callable[[], Storage]


@pytest.fixture(params=["sqlite"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Opens the backend under test: each call a connection of its own."""
    opened: list[Storage] = []

    def sqlite() -> Storage:
        storage = SqliteStorage(tmp_path / "index.sqlite3")
        if threading.current_thread() is threading.main_thread():
            opened.append(storage)  # a connection is closed by its own thread
        return storage

    yield {"sqlite": sqlite}[request.param]
    for storage in opened:
        storage.close()


@pytest.fixture
def storage(opener: Opener) -> Storage:
    return opener()
