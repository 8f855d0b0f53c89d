"""Programs of others that tests talk to: dcmtk, Orthanc, Chromium, tmux."""

from __future__ import annotations

import os
import shutil
import socket

import pytest


def program(name: str) -> str:
    """The path of a program; skips where it is not installed, unless peers are required."""
    path = shutil.which(name)
    if path is None:
        if os.environ.get("PACSBOX_REQUIRE_PEERS"):
            pytest.fail(f"{name} is not installed, and PACSBOX_REQUIRE_PEERS is set")
        pytest.skip(f"{name} is not installed (see requirements/debian.txt)")
    return path


def free_port() -> int:
    """A TCP port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
