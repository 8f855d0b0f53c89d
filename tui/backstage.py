"""Where the console's questions to the core run: in threads of their own, so that the keys never wait."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from appliance.box import Box
from appliance.errors import IndexUnavailableError, PacsboxError

log = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[Box], T]

_CALLS = 4
"""Peers that may be asked at a time."""
_FAREWELL = 1.0
"""Seconds that the threads have to close their connections."""


class Backstage:
    """Runs work on the box in threads: one that reads, one that changes, some that call peers.

    Reads have a thread of their own because a change may wait for another process's turn at the index.
    """

    def __init__(self, box: Box) -> None:
        self.box = box
        self._reader = ThreadPoolExecutor(1, "console-reads")
        self._writer = ThreadPoolExecutor(1, "console-writes")
        self._callers = ThreadPoolExecutor(_CALLS, "console-calls")
        self._file = threading.local()

    async def look(self, work: Work[T]) -> T:
        """Read from the box. Raises `IndexUnavailableError`; asking again later is always right."""
        return await self._in(self._reader, work)

    async def do(self, work: Work[T]) -> T:
        """Change something. Raises what the core raises: `PacsboxError`, ValueError, OSError."""
        return await self._in(self._writer, work)

    async def feel(self, work: Work[T]) -> T:
        """Look at the box itself, whatever state its index is in."""
        return await self._in(self._reader, work, mind=False)

    async def call(self, work: Work[T]) -> T:
        """Talk to a peer; may take as long as networks do."""
        return await self._in(self._callers, lambda box: _closing(box, work))

    async def close(self) -> None:
        """Let go of the index; a thread that hangs is left behind."""
        loop = asyncio.get_running_loop()
        farewells = [loop.run_in_executor(thread, self.box.close) for thread in (self._reader, self._writer)]
        await asyncio.wait(farewells, timeout=_FAREWELL)
        for threads in (self._reader, self._writer, self._callers):
            threads.shutdown(wait=False, cancel_futures=True)

    async def _in(self, threads: ThreadPoolExecutor, work: Work[T], *, mind: bool = True) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads, self._run, work, mind)

    def _run(self, work: Work[T], mind: bool) -> T:
        try:
            if mind:
                self._mind_the_file()
            return work(self.box)
        except (PacsboxError, ValueError, OSError):
            raise
        except Exception as fault:
            # The outermost place of this thread: what the index's own library throws is not ours to name.
            log.exception("the console could not do its work")
            self.box.close()
            raise IndexUnavailableError(
                f"The list of studies cannot be used: {fault}.", "Look at the box with `pacsbox doctor`."
            ) from fault

    def _mind_the_file(self) -> None:
        """Let go of an index that was moved away, and never make a new one beside a full archive.

        An open SQLite connection goes on with a file that has no name any more: what is written there is lost.
        """
        try:
            status = self.box.index_path.stat()
            now: tuple[int, int] | None = (status.st_dev, status.st_ino)
        except FileNotFoundError:
            now = None
        if getattr(self._file, "known", now) != now:
            self.box.close()
        self._file.known = now
        if now is None and next(self.box.blobs.keys(), None) is not None:
            raise IndexUnavailableError(
                "The list of studies is missing. The images themselves are still here.",
                "Whoever looks after the box can make it again with `pacsbox reindex`.",
            )


def _closing(box: Box, work: Work[T]) -> T:
    """These threads are many and seldom used: they keep no connection."""
    try:
        return work(box)
    finally:
        box.close()
