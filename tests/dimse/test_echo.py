"""Verification, by dcmtk and by bytes of our own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.programs import program
from tests.support.receiving import receiving
from tests.support.scu import EXPLICIT, IMPLICIT, Scu, element

_VERIFICATION = "1.2.840.10008.1.1"
_COMMAND = (element(0x0002, _VERIFICATION.encode()) + element(0x0100, b"\x30\0") + element(0x0110, b"\7\0")) + element(
    0x0800, b"\1\1"
)


def test_dcmtks_echo_is_answered(tmp_path: Path) -> None:
    with receiving(tmp_path) as box:
        done = subprocess.run(
            [program("echoscu"), "-v", "-aec", "PACSBOX", "127.0.0.1", str(box.port)],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert "Received Echo Response (Success)" in done.stderr


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, "1.2.840.10008.1.2.2"])
def test_an_echo_needs_no_particular_transfer_syntax(tmp_path: Path, syntax: str) -> None:
    with receiving(tmp_path) as box, Scu(box.port).associate([(_VERIFICATION, [syntax])]) as scu:
        scu.fragment(1, 3, element(0, len(_COMMAND).to_bytes(4, "little")) + _COMMAND)
        assert scu.response().status == 0


def test_a_command_may_come_in_pieces(tmp_path: Path) -> None:
    whole = element(0, len(_COMMAND).to_bytes(4, "little")) + _COMMAND
    with receiving(tmp_path) as box, Scu(box.port).associate([(_VERIFICATION, [IMPLICIT])]) as scu:
        scu.fragment(1, 1, whole[:9])
        scu.fragment(1, 1, whole[9:30])
        scu.fragment(1, 3, whole[30:])
        assert scu.response().status == 0
