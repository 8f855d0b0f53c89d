"""Long answers, a little at a time, at the pace of who reads them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator

from aiohttp import web

from appliance.errors import PacsboxError
from web.keys import THREADS

_LOG = logging.getLogger(__name__)
_STALLED = 60.0
"""Seconds in which a reader takes nothing before we hang up."""
_ASK_AGAIN = 4 << 20
"""Bytes after which we ask whether the reader still may."""


async def stream(
    request: web.Request, response: web.StreamResponse, chunks: Iterator[bytes], still_may: Callable[[], object]
) -> web.StreamResponse:
    """Send `chunks` as the body; `still_may` is called now and then in a thread, and raises to end it.

    Whatever goes wrong midway cuts the connection: the reader must not take half for the whole.
    """
    return await pour(request, response, request.app[THREADS].each(_watched(chunks, still_may)))


async def pour(request: web.Request, response: web.StreamResponse, chunks: AsyncIterator[bytes]) -> web.StreamResponse:
    """Send `chunks`, made in the event loop's time, as the body; cut like `stream`. A HEAD gets none of them."""
    # Taken now: aiohttp forgets it when it closes, with the rest still waiting for a reader who stalls.
    connection = request.transport
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    whole = False
    try:
        async for chunk in chunks:
            async with asyncio.timeout(_STALLED):
                await response.write(chunk)
        await response.write_eof()
        whole = True
    except (PacsboxError, OSError) as fault:
        _LOG.info("an answer was cut short: %s", type(fault).__name__)
    finally:
        if not whole and connection is not None:
            connection.abort()
    return response


def _watched(chunks: Iterator[bytes], still_may: Callable[[], object]) -> Iterator[bytes]:
    sent = 0
    for chunk in chunks:
        yield chunk
        sent += len(chunk)
        if sent >= _ASK_AGAIN:
            still_may()
            sent = 0
