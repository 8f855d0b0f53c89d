"""The parts of a multipart answer, as they come (RFC 2046 5.1): nothing is held but a piece of one part."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message
from email.parser import BytesHeaderParser

_PIECE = 1 << 18
"""Bytes that are handed on at a time, at least, except at the end of a part."""
_LONGEST_HEAD = 1 << 14


class Parts:
    """A multipart body. Parts are read in their order; what is not read of one is passed over.

    Raises ValueError where the body is not what its Content-Type says, EOFError where it ends too soon.
    """

    def __init__(self, pieces: Iterator[bytes], boundary: str) -> None:
        self._pieces = pieces
        # The line end before a boundary belongs to it; before the first one there may be none.
        self._mark = b"\r\n--" + boundary.encode("latin-1", "replace")
        self._buffer = bytearray(b"\r\n")
        self._within = True
        """Whether bytes of a part, or the preamble, are still to be read."""

    def __iter__(self) -> Iterator[tuple[Message, Iterator[bytes]]]:
        """Head and body of each part."""
        while True:
            for _ in self._body():
                pass
            if self._is_last():
                return
            head = self._head()
            self._within = True
            yield head, self._body()

    def _body(self) -> Iterator[bytes]:
        """Up to the next boundary, which is passed."""
        start = 0
        while self._within:
            place = self._buffer.find(self._mark, start)
            if place >= 0:
                piece = bytes(self._buffer[:place])
                del self._buffer[: place + len(self._mark)]
                self._within = False
            else:
                # A boundary may have begun at the very end.
                start = max(0, len(self._buffer) - len(self._mark) + 1)
                piece = bytes(self._buffer[:start]) if start >= _PIECE else b""
                del self._buffer[: len(piece)]
                start -= len(piece)
                self._more()
            if piece:
                yield piece

    def _is_last(self) -> bool:
        while len(self._buffer) < 2:
            self._more()
        return self._buffer.startswith(b"--")

    def _head(self) -> Message:
        """Its header fields; what else stands on the boundary's line is white space."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > _LONGEST_HEAD:
                raise ValueError("a part has a head without end")
            self._more()
        head = BytesHeaderParser().parsebytes(bytes(self._buffer[:end]).partition(b"\r\n")[2] + b"\r\n")
        del self._buffer[: end + 4]
        return head

    def _more(self) -> None:
        piece = next(self._pieces, b"")
        if not piece:
            raise EOFError("the body ends in the middle of a part: its last boundary is missing")
        self._buffer += piece


def boundary(content_type: str) -> str:
    """Of a `multipart/related` body; empty when it is none."""
    message = Message()
    message["Content-Type"] = content_type
    return message.get_boundary("") if message.get_content_type() == "multipart/related" else ""
