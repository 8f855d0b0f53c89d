"""Long answers: as long as their head says, or cut."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from web.streaming import pour

Connect = Callable[..., Awaitable[TestClient[Any, Any]]]


@pytest.mark.parametrize("said", [9, 11])
async def test_an_answer_that_is_not_as_long_as_it_said_ends_the_connection(
    aiohttp_client: Connect, caplog: pytest.LogCaptureFixture, said: int
) -> None:
    async def ten() -> AsyncIterator[bytes]:
        yield b"12345"
        yield b"67890"

    async def handler(request: web.Request) -> web.StreamResponse:
        length = int(request.query["said"])
        return await pour(request, web.StreamResponse(headers={"Content-Length": str(length)}), ten())

    answers = 0
    app = web.Application()
    app.router.add_get("/", handler)
    client = await aiohttp_client(app)
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    for asked in (10, said, 10):
        writer.write(f"GET /?said={asked} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    with contextlib.suppress(ConnectionError):
        while line := await reader.readline():
            answers += line.startswith(b"HTTP/1.1")
    writer.close()
    assert answers <= 2, "nothing is answered behind one that was cut"
    assert f"its head said {said}" in caplog.text
