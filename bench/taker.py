"""A client that costs next to nothing: it asks by HTTP, and has the kernel throw away what it is sent.

In a clinic, who reads is another machine. Here it is this one, and a client that took every byte into its memory would
have the better half of both cores.
"""

from __future__ import annotations

import re
import socket
import time

_ROOM = memoryview(bytearray(1 << 20))
_MOST_HEAD = 1 << 16


class Taker:
    """One connection."""

    def __init__(self, port: int) -> None:
        self._host = f"127.0.0.1:{port}"
        self._socket = socket.create_connection(("127.0.0.1", port), 300)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, target: str, headers: dict[str, str]) -> tuple[float, float, int]:
        """Seconds until the first byte of the body, and until the last; bytes of the body.

        An answer that does not say its length ends with the connection.
        """
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        began = time.perf_counter()
        self._socket.sendall(f"GET {target} HTTP/1.1\r\nHost: {self._host}\r\n{lines}\r\n".encode())
        head, size = self._head()
        assert head.startswith(b"HTTP/1.1 200"), f"{target}: {head[:60]!r}"
        told = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
        whole = int(told[1]) if told else 1 << 62
        size += 0 if size or not whole else self._take(1)
        first = time.perf_counter() - began
        while size < whole and (count := self._take(whole - size)):
            size += count
        assert not told or size == whole, f"{target}: {size} of {whole} bytes"
        return first, time.perf_counter() - began, size

    def close(self) -> None:
        self._socket.close()

    def _head(self) -> tuple[bytes, int]:
        """The head, and how much of the body came with it."""
        got = b""
        while (end := got.find(b"\r\n\r\n")) < 0:
            more = self._socket.recv(_MOST_HEAD)
            assert more, "the server hung up"
            got += more
        return got[: end + 2], len(got) - end - 4

    def _take(self, most: int) -> int:
        return self._socket.recv_into(_ROOM, min(most, len(_ROOM)), socket.MSG_TRUNC)


def take(port: int, target: str, headers: dict[str, str]) -> tuple[float, float, int]:
    """Ask once, over a connection of its own."""
    taker = Taker(port)
    try:
        return taker.ask(target, headers | {"Connection": "close"})
    finally:
        taker.close()
