"""What Python can do at best: bytes from a socket to a new file, one fsync, an answer. No checks, no header, no index.

Once from a sender that costs nothing and speaks no DICOM, and once from the storescu that sends to all receivers
here: that one reads files, and doesn't read the next while it waits for an answer.
"""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

_LENGTH = struct.Struct(">Q")
_BUFFER = 1 << 18
_PDU = struct.Struct(">BxI")
_ITEM = struct.Struct(">BxH")
_REQUEST, _ACCEPT, _DATA, _RELEASE, _RELEASED = 1, 2, 4, 5, 6
_COMMAND, _LAST = 1, 2


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


def rate_of_storescu(files: list[Path], folder: Path, associations: int, send: Callable[[int], None]) -> float:
    """Files a second that `send` brings to a port by storescu, its own start included."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        takers = [
            threading.Thread(target=_serve, args=(listening, f"{folder}/{number}")) for number in range(associations)
        ]
        for taker in takers:
            taker.start()
        began = time.perf_counter()
        send(listening.getsockname()[1])
        took = time.perf_counter() - began
        for taker in takers:
            taker.join()
    return len(files) / took


def _serve(listening: socket.socket, prefix: str) -> None:
    """One association, whatever it asks for (PS3.8 9.3)."""
    connection = listening.accept()[0]
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    buffer = memoryview(bytearray(_BUFFER))
    descriptor = number = 0
    command = b""
    while True:
        kind, length = _PDU.unpack(connection.recv(_PDU.size, socket.MSG_WAITALL))
        connection.recv_into(buffer, length, socket.MSG_WAITALL)
        if kind == _REQUEST:
            connection.sendall(_accepted(bytes(buffer[:length])))
        elif kind == _RELEASE:
            connection.sendall(_PDU.pack(_RELEASED, 4) + bytes(4))
            connection.recv(1)
            return
        elif buffer[5] & _COMMAND:
            command = bytes(buffer[6:length])
            descriptor = os.open(f"{prefix}-{number}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
        else:
            os.write(descriptor, buffer[6:length])
            if buffer[5] & _LAST:
                os.fsync(descriptor)
                os.close(descriptor)
                number += 1
                connection.sendall(_success(buffer[4], command))


def _accepted(request: bytes) -> bytes:
    """The answer to A-ASSOCIATE-RQ: each context with the first of its transfer syntaxes."""
    fixed, at, contexts = request[:68], 68, b""
    while at < len(request):
        kind, length = _ITEM.unpack_from(request, at)
        body = request[at + 4 : at + 4 + length]
        if kind == 0x20:
            syntax = body.index(b"\x40\0", 8)
            syntax_item = body[syntax : syntax + 4 + _ITEM.unpack_from(body, syntax)[1]]
            contexts += _ITEM.pack(0x21, 4 + len(syntax_item)) + body[:1] + bytes(3) + syntax_item
        at += 4 + length
    name = b"1.2.840.10008.3.1.1.1"
    most = _ITEM.pack(0x51, 4) + struct.pack(">I", 131072)
    own = _ITEM.pack(0x52, 5) + b"1.2.3"
    body = fixed + _ITEM.pack(0x10, len(name)) + name + contexts + _ITEM.pack(0x50, len(most + own)) + most + own
    return _PDU.pack(_ACCEPT, len(body)) + body


def _success(context: int, command: bytes) -> bytes:
    """A C-STORE-RSP with the SOP class and instance of the command (PS3.7 9.3.1.2)."""
    found, at = {}, 0
    while at < len(command):
        group, element, length = struct.unpack_from("<HHI", command, at)
        found[group, element] = command[at + 8 : at + 8 + length]
        at += 8 + length
    told = [(0x0002, found[0, 0x0002]), (0x0100, b"\x01\x80"), (0x0120, found[0, 0x0110])]
    told += [(0x0800, b"\x01\x01"), (0x0900, b"\0\0"), (0x1000, found[0, 0x1000])]
    body = b"".join(struct.pack("<HHI", 0, element, len(value)) + value for element, value in told)
    body = struct.pack("<HHII", 0, 0, 4, len(body)) + body
    value = struct.pack(">IBB", len(body) + 2, context, _COMMAND | _LAST) + body
    return _PDU.pack(_DATA, len(value)) + value


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
