"""An association that we asked for: one message at a time, in the caller's own thread.

pynetdicom's would queue a whole file in memory, count the time of sending it as silence of the peer's, and
forget why a connection failed. And it takes 45 ms an image to dcmtk's storescp, of which this saves 44.

```
file --one read--> window --one write, the heads of the PDUs between its fragments--> kernel
```
"""

from __future__ import annotations

import contextlib
import itertools
import select
import socket
import ssl
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Self

from appliance.dimse.client import pdu
from appliance.dimse.client.ourselves import Ourselves
from appliance.dimse.client.pdu import Context
from appliance.peers.faults import Fault, PeerError
from appliance.storage.rows import Peer
from appliance.tls.outgoing import SecureError, secured
from appliance.transfers import words

_OUR_MAX_PDU = 65536
_LONGEST_ANSWER = 1 << 20
_WINDOW = 1 << 18
"""Bytes handed to the kernel at a time."""
_MOST_FRAGMENTS = 500
"""Each is two pieces of a write, of which the kernel takes 1024 (IOV_MAX)."""
_READ = 1 << 14
_SMALLEST_PDU = 128
_NO_DATA_SET = 0x0101
_TROUBLES = (
    (socket.gaierror, Fault.UNKNOWN_HOST),
    (UnicodeError, Fault.UNKNOWN_HOST),
    (ConnectionRefusedError, Fault.NOT_LISTENING),
    (TimeoutError, Fault.SILENT),
    (ConnectionError, Fault.HUNG_UP),
)
_AE_REASONS = {3: Fault.CALLING_AE, 7: Fault.CALLED_AE, 2: Fault.UNSUPPORTED}


@dataclass(frozen=True)
class Limits:
    """How long to wait, in seconds."""

    connect: float = 10.0
    greeting: float = 30.0
    """For the answer to the association request."""
    write: float = 60.0
    """For the peer to take anything at all of what is on its way."""
    answer: float = 120.0
    """For the answer to a message, from its last byte on."""
    farewell: float = 5.0


@dataclass(frozen=True)
class DataSet:
    """What goes with a message: so many bytes, from where `file` stands."""

    file: BinaryIO
    size: int


class Association:
    """With `peer`, on the contexts that it accepted; released at the end of the block, or aborted.

    Raises `PeerError` from every method but `close`.
    """

    def __init__(
        self, peer: Peer, ourselves: Ourselves, contexts: Sequence[Context], limits: Limits | None = None
    ) -> None:
        self._peer = peer
        self._ourselves = ourselves
        self._limits = limits or Limits()
        self._numbers = itertools.cycle(range(1, 65536))
        self._come = bytearray()
        """What has come and is not read yet."""
        self._patience = 0.0
        """Seconds that reading waits, as the kernel knows it."""
        self.accepted: dict[tuple[str, str], int] = {}
        """Presentation context by SOP class and transfer syntax."""
        self.known: set[str] = set()
        """SOP classes that the peer knows, if perhaps not in our transfer syntaxes."""
        self._socket = self._connect()
        try:
            self._negotiate(contexts)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close(pdu.ABORT_REQUEST if fault else pdu.RELEASE_REQUEST)

    def _fault(self, fault: Fault) -> PeerError:
        return PeerError(fault, words.trouble(fault, self._peer, self._ourselves.title))

    def _connect(self) -> socket.socket:
        found = call(self._peer, self._ourselves, self._limits.connect)
        try:
            found = secured(found, self._peer, self._ourselves.identity, self._limits.greeting)
        except SecureError as fault:
            raise self._fault(fault.fault) from fault
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        # The kernel's own timeouts: with Python's, each read and write would cost a poll as well.
        found.settimeout(None)
        _set_timeout(found, socket.SO_SNDTIMEO, self._limits.write)
        return found

    def _negotiate(self, contexts: Sequence[Context]) -> None:
        request = pdu.associate_request(self._ourselves.title, self._peer.ae_title, contexts, _OUR_MAX_PDU)
        kind, body = self._greeting(request)
        if kind == pdu.ASSOCIATE_RJ and len(body) >= 4:
            raise self._fault(rejection(*body[1:4]))
        if kind == pdu.ABORT:
            raise self._fault(Fault.HUNG_UP)
        if kind != pdu.ASSOCIATE_AC:
            raise self._fault(Fault.NOT_DICOM)
        try:
            acceptance = pdu.acceptance(body)
        except ValueError as fault:
            raise self._fault(Fault.NOT_DICOM) from fault
        room = min(acceptance.max_pdu or _WINDOW, _WINDOW)
        # Fragments have an even length (PS3.8 9.3.5.1 and E.2).
        self._fragment = max(room, _SMALLEST_PDU) - pdu.OVERHEAD & ~1
        self._window = memoryview(bytearray(self._fragment * min(_WINDOW // self._fragment, _MOST_FRAGMENTS)))
        for answer in acceptance.answers:
            self._note(answer, contexts)

    def _greeting(self, request: bytes) -> tuple[int, bytes]:
        try:
            self._write([request])
            return self._read_pdu(self._limits.greeting)
        except PeerError as fault:
            instead = {Fault.LOST: Fault.HUNG_UP, Fault.NO_ANSWER: Fault.NO_GREETING, Fault.NONSENSE: Fault.NOT_DICOM}
            raise self._fault(instead[fault.fault]) from fault

    def _note(self, answer: pdu.Answer, contexts: Sequence[Context]) -> None:
        index = answer.id // 2
        if index >= len(contexts) or answer.id % 2 == 0:
            return
        context = contexts[index]
        if answer.result in (0, 4):
            self.known.add(context.sop_class_uid)
        if answer.result == 0 and answer.transfer_syntax_uid in context.transfer_syntaxes:
            self.accepted.setdefault((context.sop_class_uid, answer.transfer_syntax_uid), answer.id)

    def ask(
        self, context: int, field: int, elements: Mapping[int, int | str], data: DataSet | None = None
    ) -> dict[int, bytes]:
        """Send a request, its data set streamed from `data`, and wait for the answer's command set.

        `field` is the Command Field (0000,0100), `elements` are the request's own, by element number of group
        0000; so are the answer's. Raises OSError and EOFError only where `data` cannot be read to its end: then
        the message is cut off, and nothing but `close` is left.
        """
        number = next(self._numbers)
        always: dict[int, int | str] = {0x0100: field, 0x0110: number, 0x0800: 0x0001 if data else _NO_DATA_SET}
        command = pdu.command({**elements, **always})
        parts: list[bytes | memoryview] = [_head(context, pdu.COMMAND | pdu.LAST, len(command)), command]
        if data:
            self._stream(context, data, parts)
        else:
            self._write(parts)
        answer = self._answer()
        if (number_of(answer, 0x0100), number_of(answer, 0x0120)) != (field | 0x8000, number):
            raise self._fault(Fault.NONSENSE)
        return answer

    def _stream(self, context: int, data: DataSet, parts: list[bytes | memoryview]) -> None:
        """Send the data set, `parts` before it."""
        left = data.size
        while True:
            part = self._window[: min(left, len(self._window))]
            _fill(part, data.file)
            left -= len(part)
            parts += self._fragments(context, part, last=not left)
            self._write(parts)
            if not left:
                return
            parts = []

    def _fragments(self, context: int, part: memoryview, *, last: bool) -> Iterator[bytes | memoryview]:
        """A part of a data set as P-DATA-TF, each with one fragment: heads and fragments in turn."""
        full = _head(context, 0, self._fragment)
        tail = (len(part) - 1) // self._fragment * self._fragment if part and last else 0
        for at in range(0, tail if last else len(part), self._fragment):
            yield full
            yield part[at : at + self._fragment]
        if last:
            odd = len(part) % 2
            yield _head(context, pdu.LAST, len(part) - tail + odd)
            yield part[tail:]
            # A deflated data set may have an odd length in its file, but not in a message (PS3.5 A.5).
            yield b"\0" * odd

    def _write(self, parts: Sequence[bytes | memoryview]) -> None:
        try:
            sent = self._socket.sendmsg(parts)
            if sent < sum(map(len, parts)):
                self._socket.sendall(b"".join(parts)[sent:])
        except OSError as fault:
            raise self._fault(Fault.LOST) from fault

    def _answer(self) -> dict[int, bytes]:
        command = bytearray()
        while True:
            kind, body = self._read_pdu(self._limits.answer)
            if kind == pdu.ABORT:
                raise self._fault(Fault.ABORTED)
            if kind != pdu.P_DATA:
                raise self._fault(Fault.LOST if kind == pdu.RELEASE_RQ else Fault.NONSENSE)
            try:
                for control, fragment in pdu.data_values(body):
                    if control & pdu.COMMAND:
                        command += fragment
                    if control & pdu.COMMAND and control & pdu.LAST:
                        return pdu.read_command(bytes(command))
            except ValueError as fault:
                raise self._fault(Fault.NONSENSE) from fault
            if len(command) > _LONGEST_ANSWER:
                raise self._fault(Fault.NONSENSE)

    def comes(self, seconds: float) -> bool:
        """Whether the peer says something, or has gone, within `seconds`."""
        coming = select.poll()
        coming.register(self._socket, select.POLLIN)
        # TLS may have taken from the kernel already what nobody has asked for yet.
        held = isinstance(self._socket, ssl.SSLSocket) and self._socket.pending()
        return bool(self._come or held or coming.poll(seconds * 1000))

    def _read_pdu(self, seconds: float) -> tuple[int, bytes]:
        try:
            if seconds != self._patience:
                self._patience = seconds
                _set_timeout(self._socket, socket.SO_RCVTIMEO, seconds)
            kind, length = pdu.HEAD.unpack(self._read(pdu.HEAD.size))
            if not pdu.ASSOCIATE_RQ <= kind <= pdu.ABORT or length > _LONGEST_ANSWER:
                raise self._fault(Fault.NONSENSE)
            return kind, self._read(length)
        except BlockingIOError as fault:
            raise self._fault(Fault.NO_ANSWER) from fault
        except (OSError, EOFError) as fault:
            raise self._fault(Fault.LOST) from fault

    def _read(self, length: int) -> bytes:
        while len(self._come) < length:
            # Many a peer writes an answer in two pieces, and its kernel keeps the second one back until ours
            # has acknowledged the first, which takes 40 ms unless it is told to do so now. Linux forgets it soon.
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            part = self._socket.recv(_READ)
            if not part:
                raise EOFError("the peer closed the connection")
            self._come += part
        data = bytes(self._come[:length])
        del self._come[:length]
        return data

    def close(self, farewell: bytes = pdu.ABORT_REQUEST) -> None:
        """End it: with a release when all went well. Nothing that goes wrong here matters any more."""
        with contextlib.suppress(OSError, PeerError), self._socket:
            _set_timeout(self._socket, socket.SO_SNDTIMEO, self._limits.farewell)
            self._socket.sendall(farewell)
            while farewell == pdu.RELEASE_REQUEST:
                kind, _ = self._read_pdu(self._limits.farewell)
                if kind == pdu.RELEASE_RQ:  # both at once: PS3.8 7.2.2.7
                    self._socket.sendall(pdu.RELEASE_ANSWER)
                elif kind in (pdu.RELEASE_RP, pdu.ABORT):
                    return


def call(peer: Peer, ourselves: Ourselves, seconds: float) -> socket.socket:
    """A connection to `peer`. Raises `PeerError`."""
    try:
        return socket.create_connection((peer.host, peer.port), seconds)
    except (OSError, UnicodeError) as fault:
        kind = next((kind for cause, kind in _TROUBLES if isinstance(fault, cause)), Fault.UNREACHABLE)
        raise PeerError(kind, words.trouble(kind, peer, ourselves.title)) from fault


def _set_timeout(connection: socket.socket, option: int, seconds: float) -> None:
    """SO_RCVTIMEO or SO_SNDTIMEO: BlockingIOError when nothing moves for so long."""
    timeval = struct.pack("@ll", int(seconds), int(seconds % 1 * 1_000_000))
    connection.setsockopt(socket.SOL_SOCKET, option, timeval)


def _fill(part: memoryview, file: BinaryIO) -> None:
    """Read so much. EOFError when there is less."""
    done = 0
    while done < len(part):
        count = file.readinto(part[done:])  # type: ignore[attr-defined]  # typeshed has it on no BinaryIO
        if not count:
            raise EOFError(f"the file has {len(part) - done} bytes less than it should have")
        done += count


def _head(context: int, control: int, size: int) -> bytes:
    return pdu.DATA_HEAD.pack(pdu.P_DATA, size + 6, size + 2, context, control)


def rejection(result: int, source: int, reason: int) -> Fault:
    """What A-ASSOCIATE-RJ means (PS3.8 table 9-21)."""
    if source == 1 and reason in _AE_REASONS:
        return _AE_REASONS[reason]
    if (source, reason) == (2, 2):
        return Fault.UNSUPPORTED
    if result == 2 or source == 3:
        return Fault.BUSY
    return Fault.REFUSED


def status(answer: Mapping[int, bytes]) -> int:
    """(0000,0900) of an answer; one without it is taken for a failure."""
    return number_of(answer, 0x0900, missing=0x0110)


def comment(answer: Mapping[int, bytes]) -> str:
    """(0000,0902), what the peer says about a failure."""
    return answer.get(0x0902, b"").decode("latin-1").strip(" \0")


def number_of(answer: Mapping[int, bytes], element: int, missing: int = -1) -> int:
    """An element of a command that is a US; `missing` without it."""
    value = answer.get(element, b"")
    return int(struct.unpack("<H", value)[0]) if len(value) == 2 else missing
