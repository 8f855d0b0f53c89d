"""What Python can do at best: bytes from a socket to a new file, one fsync, one byte back. No DICOM, no index."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

_LENGTH = struct.Struct(">Q")
_BUFFER = 1 << 18


def rate(files: list[Path], folder: Path, associations: int, flush: bool) -> float:
    """Files a second; the senders are processes of their own."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        began = time.perf_counter()
        senders = [
            subprocess.Popen([sys.executable, __file__, str(port), *map(str, files[number::associations])])
            for number in range(associations)
        ]
        takers = []
        for number in range(associations):
            connection = listening.accept()[0]
            takers.append(threading.Thread(target=_take, args=(connection, f"{folder}/{number}", flush)))
            if number == 0:
                began = time.perf_counter()
            takers[-1].start()
        for taker in takers:
            taker.join()
        took = time.perf_counter() - began
        assert not any(sender.wait() for sender in senders)
    return len(files) / took


def _take(connection: socket.socket, prefix: str, flush: bool) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    buffer = memoryview(bytearray(_BUFFER))
    number = 0
    while head := connection.recv(_LENGTH.size, socket.MSG_WAITALL):
        (left,) = _LENGTH.unpack(head)
        descriptor = os.open(f"{prefix}-{number}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
        while left:
            count = connection.recv_into(buffer, min(left, _BUFFER), socket.MSG_WAITALL)
            os.write(descriptor, buffer[:count])
            left -= count
        if flush:
            os.fsync(descriptor)
        os.close(descriptor)
        connection.send(b"!")
        number += 1


def _send(port: int, paths: list[str]) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for path in paths:
            content = Path(path).read_bytes()
            connection.sendall(_LENGTH.pack(len(content)))
            connection.sendall(content)
            connection.recv(1)


if __name__ == "__main__":
    _send(int(sys.argv[1]), sys.argv[2:])
