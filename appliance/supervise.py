"""All services as children of one process, for trials and development; systemd does this on the image."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from appliance.box import Box
from appliance.errors import PacsboxError
from appliance.service import SERVICES, stop_on_signals

log = logging.getLogger(__name__)

_DOORS = frozenset(("receiver", "web"))
"""Services that a person must help when they don't start: a port is taken. The others wait for the index."""
_LOOK = 0.2
"""Seconds between looks at the children."""
_STEADY = 10.0
"""A door that ends by itself sooner after the start of all has a fault that starting again won't cure."""
_REST = 1.0
"""Seconds before a dead service is started again."""
_GRACE = 20.0
"""Seconds that services have to end cleanly."""
_LEAVING = "This stops the box: nothing is received, sent or shown to patients until it is started again."
_PR_SET_PDEATHSIG = 1


@dataclass
class Child:
    """A service that we started."""

    name: str
    process: subprocess.Popen[bytes]
    started: float


class Children:
    """The services of a box, started, watched and ended together."""

    def __init__(
        self,
        config: Path | None,
        services: tuple[str, ...] = SERVICES,
        environment: Mapping[str, str] | None = None,
        output: IO[bytes] | None = None,
    ) -> None:
        self._config = config
        self._environment = dict(os.environ if environment is None else environment)
        self._output = output
        self._began = time.monotonic()
        self._children = [self._start(name) for name in services]

    def _start(self, name: str) -> Child:
        process = subprocess.Popen(
            command(self._config, name),
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            # The terminal's Ctrl-C is ours to pass on: the console reads it as a key.
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - this process has no threads
        )
        return Child(name, process, time.monotonic())

    def watch(self) -> None:
        """Start again what died. Raises `PacsboxError` when a service does not even start."""
        for child in self._children:
            status = child.process.poll()
            if status is None:
                continue
            if child.name in _DOORS and status >= 0 and time.monotonic() - self._began < _STEADY:
                raise PacsboxError(
                    f"The {child.name} does not start (exit status {status}).",
                    "The lines above say why; nothing was left running.",
                )
            if time.monotonic() - child.started > _REST:
                log.error("the %s ended (exit status %s): starting it again", child.name, status)
                replacement = self._start(child.name)
                child.process, child.started = replacement.process, replacement.started

    def end(self) -> None:
        """Ask all to end, wait, and kill what does not."""
        for child in self._children:
            if child.process.poll() is None:
                child.process.terminate()
        end = time.monotonic() + _GRACE
        for child in self._children:
            try:
                child.process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.error("the %s does not end by itself: killed", child.name)
                child.process.kill()
                child.process.wait()


def command(config: Path | None, *words: str) -> list[str]:
    """`pacsbox` with these words, in this Python."""
    path = ["--config", str(config)] if config else []
    return [sys.executable, "-m", "appliance.cli.main", *path, *words]


@contextmanager
def children(
    config: Path | None,
    services: tuple[str, ...] = SERVICES,
    environment: Mapping[str, str] | None = None,
    output: IO[bytes] | None = None,
) -> Iterator[Children]:
    """The services of a box, running; ended in any case."""
    started = Children(config, services, environment, output)
    try:
        yield started
    finally:
        started.end()


def up(box: Box, config: Path | None, *, console: bool) -> None:
    """Run all services until a signal comes, or until the console is left."""
    stop = stop_on_signals()
    if console:
        with _log_file(box) as output, children(config, output=output) as started:
            with_console(stop, config, _LEAVING, started)
    else:
        with children(config) as started:
            stay(stop, started)


def stay(stop: threading.Event, *watched: Children) -> None:
    """Watch over services until `stop`."""
    while not stop.wait(_LOOK):
        for each in watched:
            each.watch()


def with_console(stop: threading.Event, config: Path | None, leaving: str, *watched: Children) -> None:
    """The console in front, the services behind it, until it is left; `leaving` says what that ends."""
    console = subprocess.Popen(command(config, "tui", "--leaving", leaving))
    try:
        while console.poll() is None and not stop.wait(_LOOK):
            for each in watched:
                each.watch()
    finally:
        console.terminate()
        console.wait(_GRACE)


def _log_file(box: Box) -> IO[bytes]:
    folder = box.data_dir / "log"
    folder.mkdir(exist_ok=True)
    return (folder / "services.log").open("ab")


def _die_with_parent() -> None:
    """In the child: end when the parent is killed, so that nothing is left running unseen (prctl(2))."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
