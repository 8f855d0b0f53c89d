"""A stand-in for the tunnel's edge: what it cuts, the box must live with.

It takes no request body over 100 MB (413, by its length at once), waits 100 seconds for an answer to begin (524), and
tells who asks, as cloudflared does. Both limits can be scaled down.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, web

LARGEST = 100 << 20
FIRST_BYTE = 100.0
_OF_A_HOP = frozenset("connection keep-alive transfer-encoding upgrade te trailer expect".split())
_PIECE = 1 << 16


class _TooLargeError(Exception):
    """The body is longer than the edge takes."""


@contextmanager
def tunnel(target: str, largest: int = LARGEST, first_byte: float = FIRST_BYTE, below: str = "") -> Iterator[str]:
    """The address at which `target`, such as `http://127.0.0.1:8080`, is seen from the internet.

    With `below`, such as `/images`, it shows the target below that path alone, and tells it so.
    """
    loop, ready, found = asyncio.new_event_loop(), threading.Event(), []
    end = asyncio.Event()

    async def serve() -> None:
        async with ClientSession(cookie_jar=DummyCookieJar(), auto_decompress=False) as session:
            edge = _Edge(session, target, largest, first_byte, below)
            runner = web.ServerRunner(web.Server(edge.answer))
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            found.append(f"http://127.0.0.1:{runner.addresses[0][1]}{below}")
            ready.set()
            await end.wait()
            await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(20)
        yield found[0]
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(30)
        loop.close()


class _Edge:
    def __init__(self, session: ClientSession, target: str, largest: int, first_byte: float, below: str) -> None:
        self._session = session
        self._target = target
        self._largest = largest
        self._first_byte = first_byte
        self._below = below

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if (request.content_length or 0) > self._largest:
            return web.Response(status=413, text="<html>413 Request Entity Too Large</html>")
        if not request.raw_path.startswith(f"{self._below}/"):
            return web.Response(status=404, text="<html>404 Not Found</html>")
        headers = {name: text for name, text in request.headers.items() if name.lower() not in _OF_A_HOP}
        headers |= {"CF-Connecting-IP": "203.0.113.7", "X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
        headers |= {"X-Forwarded-Prefix": self._below} if self._below else {}
        asked = self._session.request(
            request.method,
            self._target + request.raw_path.removeprefix(self._below),
            headers=headers,
            data=self._body(request) if request.can_read_body else None,
            allow_redirects=False,
            timeout=ClientTimeout(total=None, sock_read=self._first_byte),
        )
        try:
            async with asked as answer:
                return await self._passed_on(request, answer)
        except TimeoutError:
            return web.Response(status=524, text="<html>524 A timeout occurred</html>")
        except ClientError as fault:
            if not isinstance(fault.__cause__, _TooLargeError):
                raise
            return web.Response(status=413, text="<html>413 Request Entity Too Large</html>")

    async def _body(self, request: web.BaseRequest) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in request.content.iter_any():
            size += len(chunk)
            if size > self._largest:
                raise _TooLargeError
            yield chunk

    async def _passed_on(self, request: web.BaseRequest, answer: ClientResponse) -> web.StreamResponse:
        headers = [(name, text) for name, text in answer.headers.items() if name.lower() not in _OF_A_HOP]
        response = web.StreamResponse(status=answer.status)
        response.headers.extend(headers)
        await response.prepare(request)
        async for chunk in answer.content.iter_chunked(_PIECE):
            await response.write(chunk)
        await response.write_eof()
        return response
