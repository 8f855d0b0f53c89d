"""Files, and parts of them, from the disk to the reader without passing through us: sendfile(2), in threads of its own.

The event loop only waits, also for readers who don't take more at the moment: a thread is held by sending alone, and
for a moment at most, after which it takes its turn again. What stalls is cut as in `streaming`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import select
import socket
import time
from collections.abc import Callable, Iterator
from itertools import chain
from threading import Lock
from typing import NamedTuple

from aiohttp import web

from appliance.errors import PacsboxError
from web.archived import ArchiveFaultError
from web.keys import SHIPPERS
from web.streaming import stream

_LOG = logging.getLogger(__name__)
_TURN = 0.25
"""Seconds that one reader holds a thread."""
_PATIENCE_MS = 5
"""What a reader in the same house needs to take more; for others the thread is not held."""
_ASK_AGAIN = 4 << 20
"""Bytes after which we ask whether the reader still may."""
_STALLED = 60.0
_CHUNK = 256 << 10


class Piece(NamedTuple):
    """Some bytes, and a stretch of a file behind them."""

    head: bytes
    file: str = ""
    """Its name; empty for none."""
    start: int = 0
    length: int = 0


async def ship(
    request: web.Request, response: web.StreamResponse, pieces: Iterator[Piece], still: Callable[[], object]
) -> web.StreamResponse:
    """Send `pieces` as the body, whose length the head says; `still` is called now and then, and raises to end it."""
    connection = request.transport
    if connection is not None and connection.get_extra_info("sslcontext"):
        # By TLS it must pass through us: what the kernel sends by itself is not encrypted.
        return await stream(request, response, _read(pieces), still)
    if connection is not None and request.method != "HEAD":
        # What is written from here on is out of the buffer when we are told so.
        connection.set_write_buffer_limits(0)
    await response.prepare(request)
    if request.method == "HEAD" or connection is None:
        return response
    whole, shipment = False, None
    try:
        first = next(pieces)
        await response.write(first.head)
        # All of it must be out, and of answers before this one, which a client may have asked for at once.
        await request.writer.drain()
        rest = chain((first._replace(head=b""),), pieces)
        shipment = _Shipment(connection.get_extra_info("socket").fileno(), rest, still)
        whole = await _sent(request, shipment) and len(first.head) + shipment.sent == response.content_length
        if whole:
            await response.write_eof()
            connection.set_write_buffer_limits()
        else:
            _LOG.error("an answer was cut: its head said %s bytes", response.content_length)
    except ArchiveFaultError as fault:
        _LOG.error("an answer was cut short: %s", fault)
    except (PacsboxError, OSError) as fault:
        _LOG.info("an answer was cut short: %s", type(fault).__name__)
    finally:
        if not whole:
            connection.abort()
        if shipment is not None and not whole:
            await asyncio.shield(request.app[SHIPPERS].run(shipment.close))
    return response


def _read(pieces: Iterator[Piece]) -> Iterator[bytes]:
    for piece in pieces:
        yield piece.head
        if not piece.file:
            continue
        with os.fdopen(_opened(piece.file), "rb", buffering=0) as file:
            file.seek(piece.start)
            left = piece.length
            while left and (chunk := file.read(min(_CHUNK, left))):
                yield chunk
                left -= len(chunk)


def _opened(name: str) -> int:
    """Raises `ArchiveFaultError`."""
    try:
        return os.open(name, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as fault:
        raise ArchiveFaultError(name, "is missing") from fault


async def _sent(request: web.Request, shipment: _Shipment) -> bool:
    """Turn after turn until all is sent; raises TimeoutError for a reader who takes nothing."""
    while not await request.app[SHIPPERS].run(shipment.go):
        if shipment.is_blocked:
            async with asyncio.timeout(_STALLED):
                await shipment.writable()
    return True


class _Shipment:
    """One answer on its way out."""

    def __init__(self, descriptor: int, pieces: Iterator[Piece], still: Callable[[], object]) -> None:
        # Of our own, so that the event loop closing its one does not have us send into another's connection.
        self._socket = socket.socket(fileno=os.dup(descriptor))
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLOUT)
        self._pieces = pieces
        self._still = still
        self._head = b""
        self._file = -1
        self._start = self._left = 0
        self._until_asked = _ASK_AGAIN
        self._lock = Lock()
        self.sent = 0
        self.is_blocked = False
        """Whether the last turn ended because the reader took no more."""

    def go(self) -> bool:
        """Send for a moment, while the reader takes it; whether all is sent, and let go of. In a thread.

        A study has thousands of files, and while this is at work in Python all other threads wait: it is short.
        """
        with self._lock:
            self.is_blocked, end = False, time.monotonic() + _TURN
            while self._head or self._left or self._load():
                try:
                    done = self._send()
                except BlockingIOError:
                    if not self._poll.poll(_PATIENCE_MS):
                        self.is_blocked = True
                        return False
                    continue
                self.sent += done
                self._until_asked -= done
                if self._until_asked <= 0:
                    self._still()
                    self._until_asked = _ASK_AGAIN
                if time.monotonic() > end:
                    return False
            self._socket.close()
            return True

    async def writable(self) -> None:
        """Wait until the reader takes more, or has gone."""
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_writer(self._socket, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_writer(self._socket)

    def _load(self) -> bool:
        """The next piece that there is something of; whether there is one."""
        while not (self._head or self._left):
            if self._file >= 0:
                self._end_file()
            piece = next(self._pieces, None)
            if piece is None:
                return False
            self._head, name, self._start, self._left = piece
            if name:
                self._file = _opened(name)
        return True

    def _send(self) -> int:
        """Some of the piece, as many bytes as it says."""
        if self._head:
            done = self._socket.send(self._head, socket.MSG_MORE if self._left else 0)
            self._head = self._head[done:]
            return done
        done = os.sendfile(self._socket.fileno(), self._file, self._start, self._left)
        if not done:
            raise OSError("the file became shorter")
        self._start += done
        self._left -= done
        return done

    def _end_file(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def close(self) -> None:
        """Let go of everything, once nothing is being sent. In a thread."""
        with self._lock:
            self._end_file()
            self._socket.close()
