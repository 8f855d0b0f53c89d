"""The command itself: help, faults as sentences, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.cli.main import cli
from appliance.errors import NotFoundError
from appliance.service import sign
from tests.support.waiting import wait_for

COMMANDS = (
    "receiver indexer sender web tui up demo config doctor studies reindex rejected conflicts share peer send transfers"
).split()


def pacsbox(tmp_path: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "appliance.cli.main", *words],
        env=os.environ | {"PACSBOX_DATA_DIR": str(tmp_path / "box")} | environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(tmp_path: Path, command: str) -> None:
    done = pacsbox(tmp_path, command, "--help")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()[2].strip()) > 10


def test_a_wrong_configuration_stops_every_process_with_all_its_faults(tmp_path: Path) -> None:
    for command in ("receiver", "indexer", "sender", "web", "tui", "up", "doctor"):
        done = pacsbox(tmp_path, command, PACSBOX_DICOM_PORT="high", PACSBOX_SHARES_DAYS="0")
        assert done.returncode == 2, command
        assert "dicom.port" in done.stderr
        assert "shares.days" in done.stderr
        assert "Traceback" not in done.stderr


def test_config_show_tells_values_and_sources(tmp_path: Path) -> None:
    done = pacsbox(tmp_path, "config", "show", PACSBOX_DICOM_AE_TITLE="CLINIC_A")
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("ae_title")]
    assert line.split() == ["ae_title", "=", '"CLINIC_A"', "#", "PACSBOX_DICOM_AE_TITLE"]
    assert "# default" in done.stdout


def test_config_check_is_silent_about_nothing(tmp_path: Path) -> None:
    assert pacsbox(tmp_path, "config", "check").returncode == 0
    done = pacsbox(tmp_path, "config", "check", PACSBOX_WEB_PUBLIC_BIND="everywhere", PACSBOX_NOPE="1")
    assert done.returncode == 2
    assert "web.public_bind" in done.stderr
    assert "PACSBOX_NOPE is not an option" in done.stderr


def test_the_doctor_exits_1_when_something_needs_a_person(tmp_path: Path) -> None:
    done = pacsbox(tmp_path, "doctor")
    assert done.returncode == 1
    assert "The receiver is down" in done.stdout


def test_a_second_indexer_is_refused_in_words(tmp_path: Path) -> None:
    first = subprocess.Popen(
        [sys.executable, "-m", "appliance.cli.main", "indexer"],
        env=os.environ | {"PACSBOX_DATA_DIR": str(tmp_path / "box")},
        cwd=Path(__file__).parents[2],
    )
    try:
        wait_for(lambda: sign(tmp_path / "box" / "run", "indexer").up, 60)
        done = pacsbox(tmp_path, "reindex")
        assert done.returncode == 2
        assert f"already runs (process {first.pid})" in done.stderr
    finally:
        first.terminate()
        assert first.wait(60) == 0


LOOKING = "studies rejected conflicts transfers audit refusals commitments".split()
LOOKING += ["share list", "share log 1", "peer list", "order list", "token list", "staff list"]


@pytest.mark.parametrize("words", LOOKING)
def test_who_only_looks_makes_no_box(tmp_path: Path, words: str) -> None:
    environment = {"PACSBOX_DATA_DIR": str(tmp_path / "box")}
    with pytest.raises(NotFoundError, match=f"There is no box in {tmp_path / 'box'}"):
        CliRunner().invoke(cli, words.split(), env=environment, catch_exceptions=False)
    assert not (tmp_path / "box").exists()
