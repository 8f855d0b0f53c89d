"""Programs of others that tests talk to: dcmtk, Orthanc, Chromium, tmux."""

from __future__ import annotations

import os
import random
import shutil
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import NoReturn

import pytest


def lacking(reason: str) -> NoReturn:
    """Skip for this reason; where peers are required, fail."""
    if os.environ.get("PACSBOX_REQUIRE_PEERS"):
        pytest.fail(f"{reason}; and PACSBOX_REQUIRE_PEERS is set")
    pytest.skip(reason)


def program(name: str) -> str:
    """The path of a program; skips where it is not installed, unless peers are required."""
    path = shutil.which(name)
    if path is None:
        lacking(f"{name} is not installed (see requirements/debian.txt)")
    return path


def free_port() -> int:
    """A TCP port that nobody listens on, given once in a run of the tests.

    Below those that the kernel gives to callers, so that no connection takes it meanwhile.
    """
    for port in _ports:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("all ports were given")


def listens(port: int) -> bool:
    """Whether somebody does on this port of loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _own_ports() -> Iterator[int]:
    """Those of this process of the test runner, beginning anywhere among them."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = _FIRST_PORT + worker % _WORKERS * _PORTS
    start = random.randrange(_PORTS)
    return (first + (start + n) % _PORTS for n in range(_PORTS))


_FIRST_PORT, _PORTS, _WORKERS = 12000, 5000, 4
_ports = _own_ports()
