"""A bounded number of threads for what would block the event loop: index, files, PINs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """Threads that each may hold something of their own, such as a connection, until `close`."""

    def __init__(self, count: int, name: str, let_go: Callable[[], None]) -> None:
        """`let_go` is called once in each thread at the end."""
        self._count = count
        self._let_go = let_go
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `function` returns or raises, from a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: function(*args, **kwargs))

    async def each(self, chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
        """The chunks, each made only when the one before is taken; no thread is held in between."""
        while (chunk := await self.run(next, chunks, None)) is not None:
            yield chunk

    def close(self) -> None:
        """Wait for what runs, then end the threads."""
        together = Barrier(self._count)

        def leave() -> None:
            self._let_go()
            together.wait()

        for _ in range(self._count):
            self._pool.submit(leave)
        self._pool.shutdown(wait=True)
