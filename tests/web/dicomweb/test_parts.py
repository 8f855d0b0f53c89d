"""Multipart bodies, in whatever pieces the network brings them."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol
from hypothesis import given, settings
from hypothesis import strategies as st

from web.dicomweb.parts import Parts


async def read(pieces: list[bytes], boundary: str = "x") -> list[tuple[str, bytes]]:
    content = StreamReader(BaseProtocol(asyncio.get_running_loop()), 1 << 24)
    for piece in pieces:
        content.feed_data(piece)
    content.feed_eof()
    return [
        (part.content_type, b"".join([chunk async for chunk in part.body])) async for part in Parts(content, boundary)
    ]


def body(parts: list[bytes], boundary: bytes = b"x") -> bytes:
    framed = b"".join(b"\r\n--" + boundary + b"\r\nContent-Type: a/b\r\n\r\n" + part for part in parts)
    return framed.removeprefix(b"\r\n") + b"\r\n--" + boundary + b"--"


@settings(max_examples=200, deadline=None)
@given(
    parts=st.lists(st.one_of(st.binary(max_size=50), st.text("-x\r\n", max_size=30).map(str.encode)), max_size=4),
    cuts=st.lists(st.integers(0, 300), max_size=12),
)
def test_parts_come_out_as_they_went_in(parts: list[bytes], cuts: list[int]) -> None:
    parts = [part for part in parts if b"--x" not in b"\r\n" + part + b"\r\n"]
    whole = body(parts)
    places = [0, *sorted(cut for cut in cuts if cut < len(whole)), len(whole)]
    pieces = [whole[start:stop] for start, stop in pairwise(places) if start < stop]
    assert asyncio.run(read(pieces)) == [("a/b", part) for part in parts]


@settings(max_examples=100, deadline=None)
@given(st.text("-x\r\n: ab", max_size=60).map(str.encode))
def test_whatever_comes_is_read_or_refused(data: bytes) -> None:
    try:
        asyncio.run(read([data] if data else []))
    except ValueError as fault:
        assert "\n" not in str(fault)


async def test_a_large_part_passes_in_pieces() -> None:
    part = bytes(range(256)) * 10_000
    assert await read([body([part, b"small"])]) == [("a/b", part), ("a/b", b"small")]


async def test_what_is_not_read_of_a_part_is_passed_over() -> None:
    content = StreamReader(BaseProtocol(asyncio.get_running_loop()), 1 << 24)
    content.feed_data(body([bytes(1_000_000), b"second"]))
    content.feed_eof()
    last = b""
    async for part in Parts(content, "x"):
        last = await anext(part.body)
    assert last == b"second"


@pytest.mark.parametrize(
    "data", [b"", b"--x", b"--x\r\n\r\nabc", b"--x\r\nA: b", b"abc\r\n--y--", b"--x\r\n\r\nabc\r\n--x-"]
)
async def test_a_body_that_ends_too_soon_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="ends in the middle"):
        await read([data] if data else [])
