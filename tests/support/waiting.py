"""Waiting for something to become true, with a bound; the tests' only way to wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(condition: Callable[[], T], seconds: float = 30.0, what: str = "") -> T:
    """Ask `condition` until its answer is true, and give that answer; AssertionError after `seconds`."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while not (answer := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain for {what or condition}")
        pause.wait(0.01)
    return answer
