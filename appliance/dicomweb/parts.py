"""The parts of a multipart answer, as they come."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message

from appliance.multipart import Scanner


class Parts:
    """A multipart body. Parts are read in their order; what is not read of one is passed over.

    Raises ValueError where the body is not what its Content-Type says, EOFError where it ends too soon.
    """

    def __init__(self, pieces: Iterator[bytes], boundary: str) -> None:
        self._pieces = pieces
        self._scanner = Scanner(boundary)

    def __iter__(self) -> Iterator[tuple[Message, Iterator[bytes]]]:
        """Head and body of each part."""
        while True:
            for _ in self._body():
                pass
            while (last := self._scanner.is_last()) is None:
                self._more()
            if last:
                return
            while (head := self._scanner.head()) is None:
                self._more()
            yield head, self._body()

    def _body(self) -> Iterator[bytes]:
        """Up to the next boundary, which is passed."""
        while self._scanner.within:
            if piece := self._scanner.piece():
                yield piece
            elif self._scanner.within:
                self._more()

    def _more(self) -> None:
        piece = next(self._pieces, b"")
        if not piece:
            raise EOFError("the body ends in the middle of a part: its last boundary is missing")
        self._scanner.feed(piece)


def boundary(content_type: str) -> str:
    """Of a `multipart/related` body; empty when it is none."""
    message = Message()
    message["Content-Type"] = content_type
    return message.get_boundary("") if message.get_content_type() == "multipart/related" else ""
