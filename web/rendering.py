"""Pictures, made in processes of their own: a codec that hangs or crashes costs one picture, not the server."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from appliance.errors import PacsboxError

P = ParamSpec("P")
T = TypeVar("T")

Job = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]
"""What to call, with what."""

_SECONDS = 30.0
_NICER = 5
"""Receiving goes first."""
_FIRST_TO_GO = "500"
"""When memory runs out, the kernel takes the picture and leaves the services (proc(5), oom_score_adj)."""


class PictureFailedError(PacsboxError):
    """The process that made the picture crashed or took too long."""


def workers() -> int:
    """One for two cores: the services need the other."""
    return max(1, min(4, (os.cpu_count() or 1) // 2))


class _GoneError(Exception):
    """The process died while it had nothing to do."""


class _Worker:
    """One process, one picture at a time."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["appliance.dicom.pixels"])
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True, name="pacsbox-pictures")
        self._process.start()
        theirs.close()

    def ask(self, job: Job, seconds: float) -> Any:
        """The job's result, or what it raised.

        Raises `PictureFailedError`, or `_GoneError` when nothing was begun: the worker is of no use then.
        """
        try:
            self._pipe.send(job)
        except OSError as fault:
            raise _GoneError from fault
        try:
            if not self._pipe.poll(seconds):
                raise PictureFailedError(f"A picture took longer than {seconds:g} seconds.")
            done, answer = self._pipe.recv()
        except (EOFError, OSError) as fault:
            raise PictureFailedError("The process that made a picture crashed.") from fault
        if done:
            return answer
        raise answer

    @property
    def alive(self) -> bool:
        """Whether it can take a job."""
        return self._process.is_alive()

    def end(self) -> None:
        """Kill it; it holds nothing."""
        self._process.kill()
        self._process.join()
        self._process.close()
        self._pipe.close()


def _serve(pipe: Connection) -> None:
    """A worker's life, until the pipe closes: signals to the whole service are for those who end it in order."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.nice(_NICER)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO)
    with contextlib.suppress(EOFError, OSError):
        while True:
            function, args, kwargs = pipe.recv()
            pipe.send(_tried(function, args, kwargs))


def _tried(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[bool, Any]:
    try:
        return True, function(*args, **kwargs)
    except Exception as fault:  # noqa: BLE001 - the outermost loop of a worker: the asker gets the fault
        return False, fault


class Renderer:
    """A few workers, started when first needed and again after a crash."""

    def __init__(self, count: int | None = None, seconds: float = _SECONDS) -> None:
        self._count = count or workers()
        self._seconds = seconds
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(self._count, thread_name_prefix="pictures")
        self._places = asyncio.Semaphore(self._count)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `function` (of a module's top level) returns or raises, from a worker.

        Who is cancelled while waiting for a place gives it up. Raises `PictureFailedError`.
        """
        answer: T = await self._run(lambda: (function, args, kwargs))
        return answer

    async def of(
        self, path: Callable[[], Path], function: Callable[Concatenate[Path, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What `function` makes of the file that `path` names: asked in a thread, just before, for it may block."""
        answer: T = await self._run(lambda: (function, (path(), *args), kwargs))
        return answer

    async def _run(self, job: Callable[[], Job]) -> Any:
        async with self._places:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._ask, job)

    def _ask(self, job: Callable[[], Job]) -> Any:
        asked = job()
        while (worker := self._rested()) is not None:
            with contextlib.suppress(_GoneError):
                return self._asked(worker, asked)
        try:
            return self._asked(_Worker(), asked)
        except _GoneError as fault:
            raise PictureFailedError("The process that makes pictures ended as soon as it was started.") from fault

    def _asked(self, worker: _Worker, job: Job) -> Any:
        """As `_Worker.ask`; the worker rests then, or is at its end."""
        try:
            answer = worker.ask(job, self._seconds)
        except (PictureFailedError, _GoneError):
            worker.end()
            raise
        except Exception:
            self._rest(worker)
            raise
        self._rest(worker)
        return answer

    def _rested(self) -> _Worker | None:
        """An idle worker that is still alive."""
        while True:
            with self._lock:
                worker = self._idle.pop() if self._idle else None
            if worker is None or worker.alive:
                return worker
            worker.end()

    def _rest(self, worker: _Worker) -> None:
        with self._lock:
            self._idle.append(worker)

    def close(self) -> None:
        """Wait for what runs, then end the workers."""
        self._pool.shutdown(wait=True)
        while self._idle:
            self._idle.pop().end()
