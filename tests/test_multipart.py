"""Multipart bodies, byte by byte; what reads them is tested with `Parts` of both directions."""

from __future__ import annotations

import pytest

from appliance.multipart import Scanner


def test_what_is_missing_is_asked_for_and_nothing_is_lost() -> None:
    scanner, found = Scanner("x"), bytearray()
    for byte in b"before\r\n--x  \r\nContent-Type: a/b\r\n\r\n--x\r\n-":
        scanner.feed(bytes((byte,)))
        if scanner.within:
            found += scanner.piece()
        elif scanner.is_last() is False and (head := scanner.head()):
            assert head.get_content_type() == "a/b"
            found.clear()
    assert scanner.within
    scanner.feed(b"\r\n--x--")
    assert bytes(found) + scanner.piece() == b"--x\r\n-"
    assert scanner.is_last()


@pytest.mark.parametrize(("line", "why"), [(b"y\r\n", "other text"), (b" " * 400, "without end")])
def test_what_begins_with_a_boundary_and_goes_on_is_none(line: bytes, why: str) -> None:
    scanner = Scanner("x")
    scanner.feed(b"--x" + line)
    assert scanner.piece() == b""
    with pytest.raises(ValueError, match=why):
        scanner.head()
