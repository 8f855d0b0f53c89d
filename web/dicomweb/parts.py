"""The parts of a request's body, as they come."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import StreamReader

from appliance.multipart import Scanner


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
        self._scanner = Scanner(boundary)

    async def __aiter__(self) -> AsyncIterator[Part]:
        while True:
            async for _ in self._body():
                pass
            while (last := self._scanner.is_last()) is None:
                await self._more()
            if last:
                return
            while (head := self._scanner.head()) is None:
                await self._more()
            yield Part(str(head.get("Content-Type", "")), str(head.get("Content-Location", "")).strip(), self._body())

    async def _body(self) -> AsyncIterator[bytes]:
        """Up to the next boundary, which is passed."""
        while self._scanner.within:
            if piece := self._scanner.piece():
                yield piece
            elif self._scanner.within:
                await self._more()

    async def _more(self) -> None:
        piece = await self._content.readany()
        if not piece:
            raise ValueError("The request ends in the middle of a part: its last boundary is missing.")
        self._scanner.feed(piece)
