"""An association that we asked for: one message at a time, in the caller's own thread.

pynetdicom's would queue a whole file in memory, count the time of sending it as silence of the peer's, and
forget why a connection failed. And it takes 45 ms an image to dcmtk's storescp, of which this saves 40.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Self

from appliance.dimse.client import pdu
from appliance.dimse.client.pdu import Context
from appliance.peers.faults import Fault, PeerError
from appliance.storage.rows import Peer
from appliance.transfers import words

_OUR_MAX_PDU = 65536
_LONGEST_ANSWER = 1 << 20
_WRITE = 1 << 18
"""Bytes handed to the kernel at a time."""
_SMALLEST_PDU = 128
_NO_DATA_SET = 0x0101
_AE_REASONS = {3: Fault.CALLING_AE, 7: Fault.CALLED_AE, 2: Fault.UNSUPPORTED}


@dataclass(frozen=True)
class Limits:
    """How long to wait, in seconds."""

    connect: float = 10.0
    greeting: float = 30.0
    """For the answer to the association request."""
    write: float = 60.0
    """For 256 kB to get on their way."""
    answer: float = 120.0
    """For the answer to a message, from its last byte on."""
    farewell: float = 5.0


class Association:
    """With `peer`, on the contexts that it accepted; released at the end of the block, or aborted.

    Raises `PeerError` from every method but `close`.
    """

    def __init__(self, peer: Peer, our_title: str, contexts: Sequence[Context], limits: Limits | None = None) -> None:
        self._peer = peer
        self._our_title = our_title
        self._limits = limits or Limits()
        self._numbers = itertools.cycle(range(1, 65536))
        self._out = bytearray()
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
        return PeerError(fault, words.trouble(fault, self._peer, self._our_title))

    def _connect(self) -> socket.socket:
        try:
            found = socket.create_connection((self._peer.host, self._peer.port), self._limits.connect)
        except (socket.gaierror, UnicodeError) as fault:
            raise self._fault(Fault.UNKNOWN_HOST) from fault
        except ConnectionRefusedError as fault:
            raise self._fault(Fault.NOT_LISTENING) from fault
        except TimeoutError as fault:
            raise self._fault(Fault.SILENT) from fault
        except ConnectionError as fault:
            raise self._fault(Fault.HUNG_UP) from fault
        except OSError as fault:
            raise self._fault(Fault.UNREACHABLE) from fault
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return found

    def _negotiate(self, contexts: Sequence[Context]) -> None:
        request = pdu.associate_request(self._our_title, self._peer.ae_title, contexts, _OUR_MAX_PDU)
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
        room = min(acceptance.max_pdu or _WRITE, _WRITE)
        # Fragments have an even length (PS3.8 9.3.5.1 and E.2).
        self._fragment = max(room, _SMALLEST_PDU) - pdu.OVERHEAD & ~1
        for answer in acceptance.answers:
            self._note(answer, contexts)

    def _greeting(self, request: bytes) -> tuple[int, bytes]:
        try:
            self._write(request)
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
        self, context: int, field: int, elements: Mapping[int, int | str], data: BinaryIO | None = None
    ) -> dict[int, bytes]:
        """Send a request, its data set streamed from `data`, and wait for the answer's command set.

        `field` is the Command Field (0000,0100), `elements` are the request's own, by element number of group
        0000; so are the answer's. Raises OSError only where `data` cannot be read.
        """
        number = next(self._numbers)
        always: dict[int, int | str] = {0x0100: field, 0x0110: number, 0x0800: 0x0001 if data else _NO_DATA_SET}
        self._put(context, pdu.COMMAND | pdu.LAST, pdu.command({**elements, **always}))
        if data:
            self._stream(context, data)
        self._flush()
        answer = self._answer()
        if (_number(answer, 0x0100), _number(answer, 0x0120)) != (field | 0x8000, number):
            raise self._fault(Fault.NONSENSE)
        return answer

    def _stream(self, context: int, data: BinaryIO) -> None:
        fragment = data.read(self._fragment)
        while following := data.read(self._fragment):
            self._put(context, 0, fragment)
            fragment = following
        # A deflated data set may have an odd length in its file, but not in a message (PS3.5 A.5).
        self._put(context, pdu.LAST, fragment + b"\0" * (len(fragment) % 2))

    def _put(self, context: int, control: int, fragment: bytes) -> None:
        value = len(fragment) + 2
        self._out += pdu.DATA_HEAD.pack(pdu.P_DATA, value + 4, value, context, control)
        self._out += fragment
        if len(self._out) >= _WRITE:
            self._flush()

    def _flush(self) -> None:
        self._write(self._out)
        self._out.clear()

    def _write(self, data: bytes | bytearray) -> None:
        try:
            self._socket.settimeout(self._limits.write)
            self._socket.sendall(data)
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

    def _read_pdu(self, seconds: float) -> tuple[int, bytes]:
        try:
            self._socket.settimeout(seconds)
            kind, length = pdu.HEAD.unpack(self._read(pdu.HEAD.size))
            if not pdu.ASSOCIATE_RQ <= kind <= pdu.ABORT or length > _LONGEST_ANSWER:
                raise self._fault(Fault.NONSENSE)
            return kind, self._read(length)
        except TimeoutError as fault:
            raise self._fault(Fault.NO_ANSWER) from fault
        except (OSError, EOFError) as fault:
            raise self._fault(Fault.LOST) from fault

    def _read(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            # Many a peer writes an answer in two pieces, and its kernel keeps the second one back until ours
            # has acknowledged the first, which takes 40 ms unless it is told to do so now. Linux forgets it soon.
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            part = self._socket.recv(length - len(data))
            if not part:
                raise EOFError("the peer closed the connection")
            data += part
        return bytes(data)

    def close(self, farewell: bytes = pdu.ABORT_REQUEST) -> None:
        """End it: with a release when all went well. Nothing that goes wrong here matters any more."""
        with contextlib.suppress(OSError, PeerError), self._socket:
            self._socket.settimeout(self._limits.farewell)
            self._socket.sendall(farewell)
            while farewell == pdu.RELEASE_REQUEST:
                kind, _ = self._read_pdu(self._limits.farewell)
                if kind == pdu.RELEASE_RQ:  # both at once: PS3.8 7.2.2.7
                    self._socket.sendall(pdu.RELEASE_ANSWER)
                elif kind in (pdu.RELEASE_RP, pdu.ABORT):
                    return


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
    return _number(answer, 0x0900, missing=0x0110)


def comment(answer: Mapping[int, bytes]) -> str:
    """(0000,0902), what the peer says about a failure."""
    return answer.get(0x0902, b"").decode("latin-1").strip(" \0")


def _number(answer: Mapping[int, bytes], element: int, missing: int = -1) -> int:
    value = answer.get(element, b"")
    return int(struct.unpack("<H", value)[0]) if len(value) == 2 else missing
