"""The parts of a request's body, as they come (RFC 2046 5.1): nothing is held but a piece of one part."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser

from aiohttp import StreamReader

_PIECE = 1 << 18
"""Bytes that are handed on at a time, at least, except at the end of a part."""
_LONGEST_HEAD = 1 << 14
_LONGEST_LINE = 256


@dataclass(frozen=True)
class Part:
    """One part; its body is to be read before the next part is asked for."""

    content_type: str
    """Empty where it has none."""
    location: str
    """Its Content-Location, or empty."""
    body: AsyncIterator[bytes]


class Parts:
    """A multipart body. Parts are read in their order; what is not read of one is passed over.

    Raises ValueError where the body is not what its Content-Type says, above all when it ends too soon.
    """

    def __init__(self, content: StreamReader, boundary: str) -> None:
        self._content = content
        # The line end before a boundary belongs to it; before the first one there may be none.
        self._mark = b"\r\n--" + boundary.encode("latin-1", "replace")
        self._buffer = bytearray(b"\r\n")
        self._within = True
        """Whether bytes of a part, or the preamble, are still to be read."""

    async def __aiter__(self) -> AsyncIterator[Part]:
        while True:
            async for _ in self._body():
                pass
            if await self._is_last():
                return
            head = await self._head()
            self._within = True
            yield Part(str(head.get("Content-Type", "")), str(head.get("Content-Location", "")).strip(), self._body())

    async def _body(self) -> AsyncIterator[bytes]:
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
                await self._more()
            if piece:
                yield piece

    async def _is_last(self) -> bool:
        while len(self._buffer) < 2:
            await self._more()
        return self._buffer.startswith(b"--")

    async def _head(self) -> Message:
        """The header fields of the part that begins."""
        line = await self._until(b"\r\n", 0, _LONGEST_LINE)
        if self._buffer[:line].strip(b" \t"):
            raise ValueError("A boundary in the request is followed by other text.")
        end = await self._until(b"\r\n\r\n", line, _LONGEST_HEAD)
        head = BytesHeaderParser().parsebytes(bytes(self._buffer[line + 2 : end + 2]))
        del self._buffer[: end + 4]
        return head

    async def _until(self, text: bytes, start: int, most: int) -> int:
        while (place := self._buffer.find(text, start, start + most)) < 0:
            if len(self._buffer) - start > most:
                raise ValueError("A part of the request has a head without end.")
            await self._more()
        return place

    async def _more(self) -> None:
        piece = await self._content.readany()
        if not piece:
            raise ValueError("The request ends in the middle of a part: its last boundary is missing.")
        self._buffer += piece
