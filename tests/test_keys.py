"""Secrets are made once, readable by the service alone."""

from __future__ import annotations

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from appliance.keys import key


def test_a_key_is_made_at_first_use_and_stays(tmp_path: Path) -> None:
    first = key(tmp_path / "secrets", "session.key")
    assert len(first) == 32
    assert key(tmp_path / "secrets", "session.key") == first
    assert (tmp_path / "secrets" / "session.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "secrets").iterdir()] == ["session.key"]


def test_processes_that_start_together_get_the_same_key(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        keys = pool.starmap(key, [(tmp_path, "session.key")] * 8)
    assert len(set(keys)) == 1


def test_threads_that_start_together_get_the_same_key(tmp_path: Path) -> None:
    together = threading.Barrier(8)

    def make(name: str) -> bytes:
        together.wait()
        return key(tmp_path, name)

    with ThreadPoolExecutor(8) as pool:
        for name in map(str, range(20)):
            assert len(set(pool.map(make, [name] * 8))) == 1
    assert len(list(tmp_path.iterdir())) == 20


def test_a_damaged_key_is_named_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "session.key").write_bytes(b"short")
    with pytest.raises(ValueError, match="holds 5 bytes"):
        key(tmp_path, "session.key")
