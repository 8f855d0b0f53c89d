"""What a link begins with when it is made with other settings than the running box's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.box import Box
from appliance.config import load
from appliance.service import only_one
from appliance.shares.root import is_only_here, tell, told
from tests.support.boxes import RunningBox
from tests.support.waiting import wait_for

OURS = "http://127.0.0.1:8080"


def seen_from_elsewhere(folder: Path, **environment: str) -> str:
    """What a command says that knows the box's folder and nothing else of its settings."""
    made = Box(load(environment={"PACSBOX_DATA_DIR": str(folder), **environment})[0])
    try:
        return made.public_url()
    finally:
        made.close()


def test_the_running_doors_address_counts_until_it_closes(tmp_path: Path) -> None:
    box = RunningBox(tmp_path / "box")
    try:
        folder = box.box.data_dir
        assert seen_from_elsewhere(folder) == OURS
        box.start("web")
        wait_for(lambda: told(box.box.run_dir), 30, "the web service to listen")
        assert seen_from_elsewhere(folder) == f"http://127.0.0.1:{box.public_port}"
        configured = "https://images.clinic.example"
        assert seen_from_elsewhere(folder, PACSBOX_WEB_PUBLIC_URL=configured) == configured
        box.kill("web")
        assert seen_from_elsewhere(folder) == OURS
    finally:
        box.stop()


def test_what_a_process_before_has_told_is_not_believed(tmp_path: Path) -> None:
    with only_one(tmp_path, "web"):
        assert told(tmp_path) == ""
        (tmp_path / "web.url").write_text(f"{os.getppid()} http://192.0.2.1:80\n")
        assert told(tmp_path) == ""
        (tmp_path / "web.url").write_bytes(b"\xff")
        assert told(tmp_path) == ""
        tell(tmp_path, "https://images.clinic.example")
        assert told(tmp_path) == "https://images.clinic.example"
    assert told(tmp_path) == ""


@pytest.mark.parametrize(
    ("address", "here"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://[::1]:8080/s/x", True),
        ("http://localhost", True),
        ("http://192.0.2.1:8080", False),
        ("https://images.clinic.example", False),
    ],
)
def test_an_address_of_this_machine_alone_is_known(address: str, here: bool) -> None:
    assert is_only_here(address) is here
