"""The QR code and the PIN, as they are drawn."""

from __future__ import annotations

import subprocess

import pytest

from tests.support.programs import program
from tests.tui.terminal import drawn as screenshot
from tui.widgets.code import drawn, large_digits

LINK = f"https://images.clinic.example/s/{'A1b2C3d4E5f6G7h8I9j0K-'}"


def read(lines: list[str], tmp_path) -> str:
    picture = tmp_path / "code.png"
    screenshot("\n".join(f"\x1b[97;40m{line}" for line in lines)).save(picture)
    command = [program("zbarimg"), "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", str(picture)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


@pytest.mark.parametrize("size", [(43, 23), (60, 30), (80, 40), (160, 59)])
def test_is_read_at_every_size(tmp_path, size):
    lines = drawn(LINK, *size)
    assert lines is not None
    assert len(lines) <= size[1]
    assert len(lines[0]) <= size[0]
    assert read(lines, tmp_path) == LINK


def test_a_link_of_57_characters_takes_19_lines_of_37_cells(tmp_path):
    lines = drawn(LINK.ljust(57, "x"), 43, 23)
    assert (len(lines), len(lines[0])) == (19, 37)


@pytest.mark.parametrize("length", [62, 70, 78, 84, 90])
def test_longer_links_are_drawn_as_long_as_they_fit(tmp_path, length):
    link = LINK.ljust(length, "x")
    lines = drawn(link, 43, 23)
    assert lines is not None
    assert read(lines, tmp_path) == link


def test_one_that_does_not_fit_is_not_drawn():
    assert drawn(LINK.ljust(160, "x"), 43, 23) is None


def test_a_large_screen_gets_full_blocks_alone():
    lines = drawn(LINK, 160, 59)
    assert set("".join(lines)) == {"█", " "}


def test_digits_are_told_apart_and_stand_in_groups():
    drawings = {large_digits(str(digit)) for digit in range(10)}
    assert len(drawings) == 10
    assert len({len(line) for line in large_digits("493027").split("\n")}) == 1
    assert max(len(line) for line in large_digits("493027").split("\n")) == 31
