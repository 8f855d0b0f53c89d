"""An SCU made of bare bytes: it sends what no honest library would, and data sets exactly as they are."""

from __future__ import annotations

import socket
import ssl
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType

_APPLICATION_CONTEXT = b"1.2.840.10008.3.1.1.1"
_IMPLEMENTATION = b"1.2.826.0.1.3680043.8.498.1"
IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"


@dataclass(frozen=True)
class Response:
    """What came back for a request."""

    status: int
    comment: str = ""


def _item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(value)) + value


def maximum_length(size: int) -> bytes:
    """The sub-item that says which PDUs we take (PS3.8 annex D.1)."""
    return _item(0x51, struct.pack(">I", size))


def associate_request(
    contexts: list[tuple[str, list[str]]],
    calling: bytes = b"TEST".ljust(16),
    called: bytes = b"PACSBOX".ljust(16),
    user: bytes | None = None,
) -> bytes:
    """An A-ASSOCIATE-RQ (PS3.8 9.3.2); contexts get the IDs 1, 3, 5 and so on."""
    if user is None:
        user = maximum_length(16384) + _item(0x52, _IMPLEMENTATION)
    items = _item(0x10, _APPLICATION_CONTEXT)
    for number, (abstract, syntaxes) in enumerate(contexts):
        inner = _item(0x30, abstract.encode()) + b"".join(_item(0x40, syntax.encode()) for syntax in syntaxes)
        items += _item(0x20, bytes((2 * number + 1, 0, 0, 0)) + inner)
    items += _item(0x50, user)
    body = struct.pack(">HH", 1, 0) + called + calling + b"\0" * 32 + items
    return struct.pack(">BBI", 1, 0, len(body)) + body


def element(number: int, value: bytes) -> bytes:
    """An element of a command set (PS3.7 6.3.1)."""
    value += b"\0" * (len(value) % 2)
    return struct.pack("<HHI", 0, number, len(value)) + value


def store_command(sop_class: str, sop_instance: str, message_id: int = 1, data: bool = True) -> bytes:
    """The command set of a C-STORE-RQ (PS3.7 9.3.1.1)."""
    body = (
        element(0x0002, sop_class.encode())
        + element(0x0100, struct.pack("<H", 1))
        + element(0x0110, struct.pack("<H", message_id))
        + element(0x0700, struct.pack("<H", 0))
        + element(0x0800, struct.pack("<H", 1 if data else 0x0101))
        + element(0x1000, sop_instance.encode())
    )
    return element(0x0000, struct.pack("<I", len(body))) + body


@dataclass
class Scu:
    """A connection; in a `with` block it is released at the end, or just closed after a fault."""

    port: int
    accepted: dict[int, str] = field(default_factory=dict)
    """Context ID to transfer syntax."""
    refused: dict[int, int] = field(default_factory=dict)
    """Context ID to the reason (PS3.8 table 9-18)."""
    tls: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.tls is not None:
            self.socket = self.tls.wrap_socket(self.socket)
        self._messages = 0
        self._came = b""

    def __del__(self) -> None:
        # Of a test that failed: else Python would warn within a later one, which would fail for it.
        with suppress(AttributeError):
            self.socket.close()

    def __enter__(self) -> Scu:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: TracebackType | BaseException | None) -> None:
        if kind is None and self.accepted:
            self.socket.sendall(b"\5\0\0\0\0\4\0\0\0\0")
            assert self.pdu()[0] == 6, "no A-RELEASE-RP"
        self.socket.close()

    def associate(
        self,
        contexts: list[tuple[str, list[str]]],
        calling: bytes = b"TEST".ljust(16),
        called: bytes = b"PACSBOX".ljust(16),
        user: bytes | None = None,
    ) -> Scu:
        """Ask for an association; AssertionError when it isn't accepted."""
        self.socket.sendall(associate_request(contexts, calling, called, user))
        kind, body = self.pdu()
        assert kind == 2, f"answered with PDU type {kind}: {body!r}"
        at = 68
        while at < len(body):
            item, _, length = struct.unpack_from(">BBH", body, at)
            value = body[at + 4 : at + 4 + length]
            if item == 0x21 and value[2] == 0:
                self.accepted[value[0]] = value[8:].decode()
            elif item == 0x21:
                self.refused[value[0]] = value[2]
            at += 4 + length
        return self

    def store(self, context: int, sop_class: str, sop_instance: str, data: bytes, pdu: int = 65536) -> Response:
        """Send an instance and wait for the response."""
        self._messages += 1
        self.fragment(context, 3, store_command(sop_class, sop_instance, self._messages))
        for at in range(0, max(len(data), 1), pdu):
            self.fragment(context, 2 if at + pdu >= len(data) else 0, data[at : at + pdu])
        return self.response()

    def fragment(self, context: int, header: int, value: bytes) -> None:
        """Send one P-DATA-TF with one fragment."""
        self.fragments(context, (header, value))

    def fragments(self, context: int, *several: tuple[int, bytes]) -> None:
        """Send one P-DATA-TF with all these, each with its control header."""
        body = b"".join(struct.pack(">IBB", len(value) + 2, context, header) + value for header, value in several)
        self.socket.sendall(struct.pack(">BBI", 4, 0, len(body)) + body)

    def response(self) -> Response:
        """The next DIMSE response; data sets before it are left out."""
        data, control = b"", 0
        while control != 3:
            control, value = self._fragment()
            data += value if control & 1 else b""
        found = {}
        at = 0
        while at < len(data):
            _, number, length = struct.unpack_from("<HHI", data, at)
            found[number] = data[at + 8 : at + 8 + length]
            at += 8 + length
        return Response(struct.unpack("<H", found[0x0900])[0], found.get(0x0902, b"").decode().strip())

    def _fragment(self) -> tuple[int, bytes]:
        """The next fragment that came: its control header, and what it carries."""
        if not self._came:
            kind, body = self.pdu()
            assert kind == 4, f"answered with PDU type {kind}: {body!r}"
            self._came = body
        length = int.from_bytes(self._came[:4], "big")
        fragment, self._came = self._came[4 : 4 + length], self._came[4 + length :]
        return fragment[1], fragment[2:]

    def pdu(self) -> tuple[int, bytes]:
        """The next PDU: its type and body. Type 0 is the end of the connection."""
        head = self._read(6)
        if len(head) < 6:
            return 0, b""
        kind, _, length = struct.unpack(">BBI", head)
        return kind, self._read(length)

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count and (more := self.socket.recv(count - len(data))):
            data += more
        return data
