"""What is read of a form, and what is none."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from web.forms import fields

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def client() -> AsyncIterator[TestClient[web.Request, web.Application]]:
    async def told(request: web.Request) -> web.Response:
        return web.json_response(await fields(request))

    app = web.Application()
    app.add_routes([web.post("/", told)])
    async with TestClient(TestServer(app)) as made:
        yield made


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (b"name=Anna+Berg&password=a%26b%20%C3%A4", {"name": "Anna Berg", "password": "a&b ä"}),
        (b"a=1&a=2&&=&b", {"a": "2"}),
        (b"a=%ff\xff", {"a": "\ufffd\ufffd"}),
        (b"", {}),
    ],
)
async def test_fields_come_as_they_were_typed(client, body: bytes, read: dict[str, str]) -> None:
    answer = await client.post("/", data=body, headers={"Content-Type": f"{FORM}; charset=nonsense"})
    assert {key: value for key, value in (await answer.json()).items() if key} == read


async def test_a_press_of_a_button_sends_nothing(client) -> None:
    assert await (await client.post("/")).json() == {}


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [("multipart/form-data; boundary=x", b"--x\r\nfoo", 415), ("text/plain", b"a=b", 415), (FORM, b"a" * 16385, 413)],
)
async def test_anything_else_is_refused(client, kind: str, body: bytes, status: int) -> None:
    assert (await client.post("/", data=body, headers={"Content-Type": kind})).status == status
