"""Long answers, a little at a time, at the pace of who reads them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator

from aiohttp import web

from appliance.errors import PacsboxError
from web.archived import ArchiveFaultError
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
    """Send `chunks`, made in the event loop's time, as the body; cut like `stream`. A HEAD gets none of them.

    Cut, too, when they are not as long as the answer's head has said: what comes next on the connection would be
    taken for the rest of them (RFC 9112 6.3).
    """
    # Taken now: aiohttp forgets it when it closes, with the rest still waiting for a reader who stalls.
    connection = request.transport
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    whole, sent = False, 0
    try:
        async for chunk in chunks:
            sent += len(chunk)
            async with asyncio.timeout(_STALLED):
                await response.write(chunk)
        if response.content_length in (None, sent):
            await response.write_eof()
            whole = True
        else:
            _LOG.error("an answer of %d bytes was cut: its head said %d", sent, response.content_length)
    except ArchiveFaultError as fault:
        _LOG.error("an answer was cut short: %s", fault)
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
