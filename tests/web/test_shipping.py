"""Files on their way out where the kernel cannot send them by itself: over plain connections it does all day."""

from __future__ import annotations

import os
from pathlib import Path

from web.shipping import _CHUNK, Piece, _read


def test_by_tls_just_the_stretches_are_read(tmp_path: Path) -> None:
    file = tmp_path / "file"
    content = os.urandom(3 * _CHUNK)
    file.write_bytes(content)
    pieces = (
        Piece(b"one", str(file), 7, 2 * _CHUNK),
        Piece(b"two", str(file), 0, 1),
        Piece(b"end"),
    )
    sent = b"".join(_read(iter(pieces)))
    assert sent == b"one" + content[7 : 7 + 2 * _CHUNK] + b"two" + content[:1] + b"end"
