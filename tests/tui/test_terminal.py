"""The console in a real terminal: keys in a burst, the screen as text, the code as a phone would see it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import psutil
import pytest

from appliance.shares.sharing import Status
from tests.support.files import ROOT, brainix, knee
from tests.support.programs import program
from tests.support.waiting import wait_for
from tests.tui.terminal import Terminal

_URL = "https://images.clinic.example"


@pytest.fixture
def terminal(box, tmp_path) -> Iterator[Callable[..., Terminal]]:
    """Opens `pacsbox tui` of `box` in a terminal of that size."""
    opened: list[Terminal] = []

    def open_it(size: tuple[int, int] = (80, 24), before: str = "exec", **environment: str) -> Terminal:
        known = {key: value for key, value in os.environ.items() if not key.startswith(("PACSBOX_", "TMUX", "TEXTUAL"))}
        settings = {"PACSBOX_DATA_DIR": str(box.data_dir), "PACSBOX_WEB_PUBLIC_URL": _URL, "LC_ALL": "C.UTF-8"}
        said = " ".join(f"{key}={value}" for key, value in environment.items())
        command = f"cd {ROOT} && {before} env {said} {sys.executable} -m appliance.cli.main tui" + (
            "" if before == "exec" else "; :"
        )
        opened.append(Terminal(tmp_path / f"t{len(opened)}", size, command, known | settings))
        return opened[-1]

    yield open_it
    for each in opened:
        each.close()


def decoded(terminal: Terminal, tmp_path) -> str:
    """What zbar reads from a picture of the terminal's screen."""
    picture = tmp_path / "screen.png"
    terminal.picture().save(picture)
    read = subprocess.run(
        [program("zbarimg"), "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", str(picture)],
        capture_output=True,
        text=True,
        check=False,
    )
    return read.stdout.strip()


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=["80x24", "200x60"])
def test_the_code_on_the_screen_is_read_by_zbar(terminal, box, fill, tmp_path, size):
    fill(brainix()[:2])
    console = terminal(size)
    console.sees("BRAINIX")
    console.press("b", "r", "a", "Enter", "s")
    console.sees("Share with the patient", "born 1949-03-01")
    console.press("Enter")
    console.sees("Works until", "images.clinic.example")
    link = wait_for(lambda: decoded(console, tmp_path), what="zbar to read the code")
    assert link.startswith(f"{_URL}/s/")
    share = box.sharing.look_up(link.rpartition("/")[2])
    assert box.sharing.status(share) is Status.ACTIVE


def test_a_study_appears_while_one_looks(terminal, fill):
    console = terminal()
    console.sees("No studies yet")
    fill(knee()[:1])
    console.sees("KNEE", " 1 now")


def test_sixteen_colours_are_enough(terminal, fill):
    fill(brainix()[:1])
    console = terminal(TERM="linux", COLORTERM="")
    console.sees("BRAINIX")
    console.press("Enter")
    console.sees("> BRAINIX")
    codes = console.codes()
    assert not set(re.findall(r"[34]8;[25]", codes)), codes
    assert "\x1b[44m" in codes  # the chosen row stands out


def test_closing_leaves_the_terminal_as_it_was(terminal, fill):
    fill(brainix()[:1])
    console = terminal()
    console.sees("BRAINIX")
    console.press("C-c")
    console.sees("Close the console?")
    console.press("C-c")
    wait_for(lambda: not console.alive)
    assert "Studies" not in console.text and "Traceback" not in console.text


def test_sigterm_closes_it(terminal, fill):
    console = terminal()
    console.sees("No studies yet")
    os.kill(console.pid, 15)
    wait_for(lambda: not console.alive)


def test_it_ends_with_its_terminal_though_who_started_it_stays(terminal, fill):
    """As below `make`, which alone is told that the terminal is gone, and waits for the console."""
    console = terminal(before="trap '' HUP;")
    console.sees("No studies yet")
    shell = psutil.Process(console.pid)
    (pid,) = (child.pid for child in shell.children(recursive=True) if "tui" in child.cmdline())
    os.kill(console.server, signal.SIGKILL)
    fill(brainix()[:2])
    wait_for(lambda: not psutil.pid_exists(pid), what="the console's end")


def test_it_ends_with_a_terminal_that_had_stopped_reading(terminal, fill):
    console = terminal()
    console.sees("No studies yet")
    server, pid = console.server, console.pid
    os.kill(server, signal.SIGSTOP)
    fill(brainix()[:2])
    os.kill(pid, signal.SIGHUP)
    os.kill(server, signal.SIGKILL)
    wait_for(lambda: not psutil.pid_exists(pid), what="the console's end")
