"""`pacsbox up`: four services together, started again when they die, ended together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from appliance.service import SERVICES, signs
from tests.support.files import ROOT
from tests.support.programs import free_port
from tests.support.waiting import wait_for


class Up:
    """`pacsbox up` in a folder, on free ports."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.run_dir = folder / "run"
        own = {
            "PACSBOX_DATA_DIR": str(folder),
            "PACSBOX_DICOM_BIND": "127.0.0.1",
            "PACSBOX_DICOM_PORT": str(free_port()),
            "PACSBOX_DICOM_TLS": "off",
            "PACSBOX_WEB_PUBLIC_PORT": str(free_port()),
            "PACSBOX_WEB_CLINIC_PORT": str(free_port()),
        }
        folder.mkdir(exist_ok=True)
        self.log = folder / "up.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "appliance.cli.main", "up"],
                cwd=ROOT,
                env=os.environ | own | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def pids(self) -> dict[str, int]:
        return {sign.name: sign.pid for sign in signs(self.run_dir) if sign.pid}

    def all_up(self) -> bool:
        return self.pids().keys() == set(SERVICES)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    started = Up(tmp_path / "box")
    wait_for(started.all_up, 120, "all services")
    yield started
    started.process.kill()
    started.process.wait()
    wait_for(lambda: not started.pids(), 60, "the services to end")


def test_ctrl_c_ends_all_of_it_cleanly(up: Up) -> None:
    wait_for(lambda: "clinic door on" in up.log.read_text(), 60)
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(60) == 0
    assert up.pids() == {}
    assert "Traceback" not in up.log.read_text()


def test_it_tells_where_everything_listens(up: Up) -> None:
    wait_for(lambda: "clinic door on" in up.log.read_text(), 60)
    text = up.log.read_text()
    for door in ("PACSBOX listens on 127.0.0.1 port", "patient door on http://127.0.0.1:"):
        assert door in text


def test_a_service_that_dies_is_started_again_while_the_others_serve(up: Up) -> None:
    before = up.pids()
    os.kill(before["sender"], signal.SIGKILL)
    wait_for(lambda: up.pids().get("sender", before["sender"]) != before["sender"], 60, "another sender")
    after = up.pids()
    assert {name: pid for name, pid in after.items() if name != "sender"} == {
        name: pid for name, pid in before.items() if name != "sender"
    }


def test_killing_it_leaves_no_service_behind(up: Up) -> None:
    pids = up.pids()
    up.process.kill()
    up.process.wait()
    wait_for(lambda: not any(psutil.pid_exists(pid) for pid in pids.values()), 60, "the services to end")


def test_a_taken_port_ends_it_with_the_reason_and_nothing_left(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        started = Up(tmp_path / "box", PACSBOX_DICOM_PORT=str(port))
        assert started.process.wait(60) == 2
    assert f"port {port}" in started.log.read_text()
    assert "The receiver does not start" in started.log.read_text()
    assert started.pids() == {}


def test_a_damaged_index_does_not_keep_images_from_coming_in(tmp_path: Path) -> None:
    (tmp_path / "box" / "index").mkdir(parents=True)
    (tmp_path / "box" / "index" / "index.sqlite3").write_bytes(b"broken" * 1000)
    started = Up(tmp_path / "box")
    try:
        wait_for(lambda: started.pids().keys() >= {"receiver", "indexer", "web"}, 120)
        wait_for(lambda: "is damaged" in started.log.read_text(), 60)
        assert started.process.poll() is None
    finally:
        started.process.terminate()
        assert started.process.wait(60) == 0
