"""A multipart body taken apart, however its bytes come (RFC 2046 5.1): nothing is held but a piece of one part.

```
feed --> piece, while `within` --> is_last --no--> head --> piece ...       where there is nothing, more is to be fed
```
"""

from __future__ import annotations

from email.message import Message
from email.parser import BytesHeaderParser

_PIECE = 1 << 18
"""Bytes that are handed on at a time, at least, except at the end of a part."""
_LONGEST_HEAD = 1 << 14
_LONGEST_LINE = 256


class Scanner:
    """One body: its preamble, then part after part."""

    def __init__(self, boundary: str) -> None:
        # The line end before a boundary belongs to it; before the first one there may be none.
        self._mark = b"\r\n--" + boundary.encode("latin-1", "replace")
        self._buffer = bytearray(b"\r\n")
        self._start = 0
        self.within = True
        """Whether bytes of a part, or the preamble, are still to be read."""

    def feed(self, data: bytes) -> None:
        """What comes next of the body."""
        self._buffer += data

    def piece(self) -> bytes:
        """What of this part may be handed on; nothing where it is over, or more of the body is needed."""
        place = self._buffer.find(self._mark, self._start)
        if place >= 0:
            end, passed = place, place + len(self._mark)
            self.within, self._start = False, 0
        else:
            # A boundary may have begun at the very end.
            begun = max(0, len(self._buffer) - len(self._mark) + 1)
            end = passed = begun if begun >= _PIECE else 0
            self._start = begun - passed
        piece = bytes(self._buffer[:end])
        del self._buffer[:passed]
        return piece

    def is_last(self) -> bool | None:
        """Behind a boundary: whether it was the last one; None where more of the body is needed."""
        return self._buffer.startswith(b"--") if len(self._buffer) >= 2 else None

    def head(self) -> Message | None:
        """Behind a boundary: the header fields of the part that begins; None where more of the body is needed.

        Raises ValueError where that is no head.
        """
        line = self._place(b"\r\n", 0, _LONGEST_LINE)
        if line is not None and self._buffer[:line].strip(b" \t"):
            raise ValueError("A boundary is followed by other text.")
        end = None if line is None else self._place(b"\r\n\r\n", line, _LONGEST_HEAD)
        if line is None or end is None:
            return None
        head = BytesHeaderParser().parsebytes(bytes(self._buffer[line + 2 : end + 2]))
        del self._buffer[: end + 4]
        self.within = True
        return head

    def _place(self, text: bytes, start: int, most: int) -> int | None:
        place = self._buffer.find(text, start, start + most)
        if place < 0 and len(self._buffer) - start > most:
            raise ValueError("A part has a head without end.")
        return place if place >= 0 else None
