"""A long answer, as long as the client may have it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from web.dicomweb.asked import ASKED
from web.keys import THREADS

_ASK_AGAIN = 4 << 20
"""Bytes after which we ask."""


async def watched(request: web.Request, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The chunks, until who asks for them may not have them any more."""
    sent = 0
    async for chunk in chunks:
        yield chunk
        sent += len(chunk)
        if sent >= _ASK_AGAIN:
            await request.app[THREADS].run(request[ASKED].grant.still)
            sent = 0
