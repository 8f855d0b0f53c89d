"""Blocking work in few threads, each with something of its own that is let go at the end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from web.threads import Threads


async def test_work_is_done_beside_the_event_loop() -> None:
    threads = Threads(2, "test", lambda: None)
    assert await threads.run(threading.get_ident) != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        await threads.run(divmod, 1, 0)
    await asyncio.to_thread(threads.close)


async def test_each_thread_lets_go_of_its_own_at_the_end() -> None:
    let_go: list[int] = []
    threads = Threads(3, "test", lambda: let_go.append(threading.get_ident()))
    await asyncio.to_thread(threads.close)
    assert len(set(let_go)) == 3


async def test_chunks_are_made_only_as_they_are_taken() -> None:
    made: list[int] = []

    def chunks() -> Iterator[bytes]:
        for number in range(3):
            made.append(number)
            yield bytes([number])

    threads = Threads(1, "test", lambda: None)
    seen = []
    async for chunk in threads.each(chunks()):
        seen.append(chunk)
        assert len(made) == len(seen)
    assert seen == [b"\0", b"\1", b"\2"]
    await asyncio.to_thread(threads.close)
