"""The code on the console, looked at as a phone does."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from PIL import Image

from appliance.shares.qr import half_blocks
from tests.support.programs import program

LINK = "https://images.clinic.example/s/" + "Ab3_-xYz" * 2 + "Q9q9Q9"


def photograph(lines: list[str], path: Path, cell: int = 8) -> Path:
    """The lines as a dark terminal shows them: the characters light, a cell twice as high as wide."""
    picture = Image.new("L", (len(lines[0]) * cell, len(lines) * cell * 2), 0)
    for row, line in enumerate(lines):
        for column, character in enumerate(line):
            for half, lit in enumerate((character in "▀█", character in "▄█")):
                if lit:
                    left, top = column * cell, (row * 2 + half) * cell
                    picture.paste(255, (left, top, left + cell, top + cell))
    # The desk around the screen.
    framed = Image.new("L", (picture.width + 80, picture.height + 80), 0)
    framed.paste(picture, (40, 40))
    framed.save(path)
    return path


def read(path: Path) -> str:
    done = subprocess.run([program("zbarimg"), "--raw", "-q", str(path)], capture_output=True, text=True, check=False)
    return done.stdout.strip()


@pytest.mark.parametrize("text", [LINK, "http://127.0.0.1:8080/s/" + "A" * 22, "https://a.example/" + "x" * 200])
def test_a_phone_reads_the_link_from_the_screen(tmp_path: Path, text: str) -> None:
    assert read(photograph(half_blocks(text), tmp_path / "code.png")) == text


@pytest.mark.parametrize("rows", [19, 24, 60])
def test_it_fits_the_console_and_can_still_be_read(tmp_path: Path, rows: int) -> None:
    lines = half_blocks(LINK, max_rows=rows)
    assert len(lines) <= rows
    assert len({len(line) for line in lines}) == 1
    assert len(lines[0]) <= 80
    assert read(photograph(lines, tmp_path / "code.png")) == LINK


def test_where_room_is_short_it_mends_fewer_errors_and_is_still_read(tmp_path: Path) -> None:
    long = LINK + "x" * 16
    roomy, tight = half_blocks(long), half_blocks(long, max_rows=20)
    assert len(roomy) > 20 >= len(tight)
    assert read(photograph(tight, tmp_path / "code.png")) == long
