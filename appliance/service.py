"""What every service of the box shares: one of its kind at a time, a clean end, a sign of life."""

from __future__ import annotations

import _thread
import fcntl
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from appliance.errors import AlreadyRunningError

SERVICES = ("receiver", "indexer", "sender", "web")
_TRIES = 20
_WAIT = 0.01


@dataclass(frozen=True)
class Sign:
    """Whether a service is up."""

    name: str
    pid: int | None
    """None when it is down."""

    @property
    def up(self) -> bool:
        """Whether it runs."""
        return self.pid is not None


@contextmanager
def only_one(run_dir: Path, name: str) -> Iterator[None]:
    """Hold the place of service `name`; the kernel frees it however the process ends.

    Raises `AlreadyRunningError` when another process has it.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(run_dir / f"{name}.pid", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _lock(descriptor, run_dir, name)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, run_dir: Path, name: str) -> None:
    # `sign` holds the lock for an instant to see whether it is free: so try more than once.
    for _ in range(_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            threading.Event().wait(_WAIT)
    pid = sign(run_dir, name).pid
    raise AlreadyRunningError(
        f"The {name} of this box already runs (process {pid}).",
        "Stop that one first, or leave it to its work.",
    )


def sign(run_dir: Path, name: str) -> Sign:
    """Whether service `name` runs, by its lock: true even after kill -9 or a power cut."""
    try:
        descriptor = os.open(run_dir / f"{name}.pid", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return Sign(name, None)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return Sign(name, None)
    except BlockingIOError:
        text = os.pread(descriptor, 20, 0).strip()
        return Sign(name, int(text) if text.isdigit() else 0)
    finally:
        os.close(descriptor)


def signs(run_dir: Path) -> list[Sign]:
    """Of all services."""
    return [sign(run_dir, name) for name in SERVICES]


def stop_on_signals() -> threading.Event:
    """An event that is set by SIGTERM, SIGINT and SIGHUP; call it in the main thread."""
    stop = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        # In a thread of its own: the signal may come while the main thread, which waits for the event again and
        # again, holds the event's lock; it would wait for itself then, and never end.
        _thread.start_new_thread(stop.set, ())

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, ask)
    return stop
