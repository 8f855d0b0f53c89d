"""One of its kind at a time, known to be up or down whatever happened to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.errors import AlreadyRunningError
from appliance.service import only_one, sign, signs, stop_on_signals

_HOLD = """
import sys, pathlib
from appliance.service import only_one
with only_one(pathlib.Path(sys.argv[1]), "receiver"):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(run_dir: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(run_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def ended(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_a_service_that_never_ran_is_down(tmp_path: Path) -> None:
    assert [each.up for each in signs(tmp_path)] == [False] * 4


def test_a_running_service_is_up_with_its_pid(tmp_path: Path) -> None:
    process = hold(tmp_path)
    try:
        assert sign(tmp_path, "receiver").pid == process.pid
    finally:
        ended(process)


def test_a_second_one_is_refused_and_told_which_runs(tmp_path: Path) -> None:
    process = hold(tmp_path)
    try:
        with pytest.raises(AlreadyRunningError, match=str(process.pid)), only_one(tmp_path, "receiver"):
            pass
    finally:
        ended(process)


def test_kill_9_leaves_it_down_and_its_place_free(tmp_path: Path) -> None:
    process = hold(tmp_path)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not sign(tmp_path, "receiver").up
    with only_one(tmp_path, "receiver"):
        assert sign(tmp_path, "receiver").pid == os.getpid()


@pytest.fixture
def handlers() -> Iterator[None]:
    """Puts the signals' handlers back."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
def test_a_signal_is_heard_even_in_the_instant_in_which_the_event_is_locked() -> None:
    stop = stop_on_signals()
    with stop._cond:  # type: ignore[attr-defined] - as within each `wait`
        signal.raise_signal(signal.SIGTERM)
    assert stop.wait(20)
