"""A connection's bytes: P-DATA is read here and goes to `Arrivals` at once; all else is left to pynetdicom.

pynetdicom reads 4 KB at a time, passes each PDU through queues and threads, and sleeps 1 ms wherever a queue is
empty. So its network thread, which asks `ready` whether there is something to read, is kept here while there is
only P-DATA, and its association thread rests meanwhile (it would wake 1000 times a second to look).

```
network thread --ready--> P-DATA: read, take, answer; again ...
                          another PDU, the end, a fault, silence: wake the association thread, and let
                          pynetdicom read by `recv`, from our buffer first
```
Only that one thread ever touches the socket, which TLS asks for; on a plain connection, the association's thread sends
the answers to queries itself.
"""

from __future__ import annotations

import errno
import socket
import ssl
import struct
import threading
import time
from contextlib import suppress

from pynetdicom.association import Association
from pynetdicom.transport import AssociationSocket

from appliance.dimse.arrival import Arrivals
from appliance.dimse.dialogue import COMMAND, LAST
from appliance.dimse.inside import Inside

_P_DATA = 4
_PDU_HEAD = struct.Struct(">BxI")
_PDV_HEAD = struct.Struct(">IBB")
_BOTH_HEADS = _PDU_HEAD.size + _PDV_HEAD.size
_MAX_REQUEST = 1 << 20
"""No A-ASSOCIATE-RQ of 128 contexts is longer; it may be longer than what we take of data."""
_BUFFER = 1 << 18
_SLICE = 0.1
"""Seconds of silence after which we look whether we are to end, or whether the silence is too long."""
_NO_DATA = (BlockingIOError, TimeoutError, ssl.SSLWantReadError)


class Line(AssociationSocket):
    """The socket of one association."""

    def __init__(self, association: Association, connection: socket.socket, arrivals: Arrivals, hot: bool) -> None:
        """Unless `hot`, pynetdicom reads everything, P-DATA too."""
        super().__init__(association, client_socket=connection)
        self._inside = Inside(association)
        self._arrivals = arrivals
        self._hot = hot
        self._patience = association.dimse_timeout
        self._secure = isinstance(connection, ssl.SSLSocket)
        self._buffer = memoryview(bytearray(_BUFFER))
        self._start = self._end = 0
        """What is in the buffer, read but not taken."""
        self._fault: OSError | None = None
        self._sending = threading.Lock()
        self._cut_into_slices(connection)
        if hot:
            arrivals.send_fragment = self._send_fragment
            if not self._secure:  # of a TLS connection, one thread at a time may read or write
                arrivals.send_values = self._send_values

    @property
    def ready(self) -> bool:
        """Whether pynetdicom has something to read; doesn't return while there is only P-DATA."""
        if not (self._hot and self._inside.established):
            self._inside.wake()
            return self._start < self._end or bool(super().ready)
        try:
            found = self._serve()
        except OSError as fault:
            self._fault = fault
            found = True
        if found or self._arrivals.broken or self._inside.idle:
            self._inside.wake()
        return found

    def recv(self, nr_bytes: int) -> bytearray:
        """Exactly `nr_bytes`, fewer when the peer has gone.

        Raises OSError when it is more than we said we take, or when the peer falls silent meanwhile.
        """
        if self._fault is not None:
            raise self._fault
        self._check_length(nr_bytes)
        taken = bytearray()
        while len(taken) < nr_bytes:
            if self._start == self._end and not self._more(_BUFFER):
                break
            taken += self._part(nr_bytes - len(taken))
        return taken

    def send(self, bytestream: bytes) -> None:
        """Send all of it, however slow the peer; pynetdicom is told when it has gone."""
        connection = self.socket
        if self._secure and connection is not None:
            connection.settimeout(self._patience)
        with self._sending:
            super().send(bytestream)
        if self._secure and connection is not None:
            with suppress(OSError):
                connection.settimeout(_SLICE)

    def forget(self) -> None:
        """Nothing more is read: the buffer goes at once, the rest when circles of pynetdicom's are collected."""
        self._buffer = memoryview(b"")
        self._start = self._end = 0

    def _serve(self) -> bool:
        """Take P-DATA; whether something else has come. Raises OSError when the connection is lost."""
        while self._arrivals.busy or self._begun(wait=self._may_wait()):
            self._gather(_PDU_HEAD.size)
            if self._buffer[self._start] != _P_DATA:
                return True
            self._take_pdu()
            self._inside.restart_idle_timer()
            if self._arrivals.broken:
                break
        return False

    def _may_wait(self) -> bool:
        """Whether nothing but what the peer sends can give us work."""
        return self._arrivals.reading_alone or (not self._arrivals.serving and self._inside.rest())

    def _begun(self, wait: bool) -> bool:
        """Whether a PDU has begun to come; may `wait` a slice for it."""
        if self._start < self._end:
            return True
        if not wait and not super().ready:
            return False
        count = self._receive(_BUFFER)
        if count == 0:
            raise ConnectionResetError(errno.ECONNRESET, "the peer has gone")
        return count is not None

    def _take_pdu(self) -> None:
        _, left = _PDU_HEAD.unpack_from(self._buffer, self._start)
        self._check_length(left)
        self._start += _PDU_HEAD.size
        while left and not self._arrivals.broken:
            if left < _PDV_HEAD.size:
                self._arrivals.break_off("a PDU that ends within a fragment")
                return
            self._gather(_PDV_HEAD.size)
            length, context_id, control = _PDV_HEAD.unpack_from(self._buffer, self._start)
            self._start += _PDV_HEAD.size
            left -= 4 + length
            if length < 2 or left < 0:
                self._arrivals.break_off("an empty fragment" if length < 2 else "a fragment longer than its PDU")
                return
            self._take_fragment(context_id, control, length - 2)

    def _take_fragment(self, context_id: int, control: int, left: int) -> None:
        if control & COMMAND or not self._arrivals.takes_part(context_id):
            self._arrivals.take(context_id, control, self._whole(left))
            return
        last = bool(control & LAST)
        while True:
            if left and self._start == self._end:
                # Unless it is the last, the head of the next is on its way too.
                self._need(left if last else left + _BOTH_HEADS, whole=True)
            part = self._part(left)
            left -= len(part)
            self._arrivals.take_part(part, last=last and not left)
            if not left:
                return

    def _whole(self, size: int) -> memoryview:
        if size <= _BUFFER:
            self._gather(size)
            return self._part(size)
        value = bytearray()
        while len(value) < size:
            if self._start == self._end:
                self._need(size - len(value))
            value += self._part(size - len(value))
        return memoryview(value)

    def _part(self, most: int) -> memoryview:
        """Take what is in the buffer, at most so much."""
        start = self._start
        self._start = min(self._end, start + most)
        return self._buffer[start : self._start]

    def _gather(self, size: int) -> None:
        """Have `size` bytes in the buffer, one behind the other."""
        held = self._end - self._start
        if held >= size:
            return
        if self._start + size > _BUFFER:
            self._buffer[:held] = self._buffer[self._start : self._end]
            self._start, self._end = 0, held
        while self._end - self._start < size:
            self._need(_BUFFER)

    def _need(self, most: int, whole: bool = False) -> None:
        if not self._more(most, whole):
            raise ConnectionResetError(errno.ECONNRESET, "the peer has gone")

    def _more(self, most: int, whole: bool = False) -> int:
        """Read on; 0 when the peer has gone. Raises TimeoutError when it falls silent."""
        began = time.monotonic()
        while (count := self._receive(most, whole)) is None:
            if self._patience is not None and time.monotonic() - began > self._patience:
                raise TimeoutError(errno.ETIMEDOUT, "the peer fell silent")
        return count

    def _receive(self, most: int, whole: bool = False) -> int | None:
        """Read up to `most` bytes, all of them if `whole`, to the end of the buffer; None after a silent slice."""
        connection = self.socket
        if connection is None:
            return 0
        if self._start == self._end:
            self._start = self._end = 0
        room = self._buffer[self._end : self._end + most]
        if self._arrivals.serving:
            # Many a peer answers in two pieces, and its kernel keeps the second back until ours has acknowledged
            # the first, which takes 40 ms unless it is told to do so now.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        try:
            if whole and not self._secure:
                count = connection.recv_into(room, 0, socket.MSG_WAITALL)
            else:
                count = connection.recv_into(room)
        except _NO_DATA:
            return None
        self._end += count
        return count

    def _check_length(self, length: int) -> None:
        if length > max(self.assoc.acceptor.maximum_length or 0, _MAX_REQUEST):
            raise OSError(errno.EMSGSIZE, f"a PDU of {length} bytes")

    def _send_values(self, values: list[tuple[int, bytes]]) -> None:
        """Send fragments in one PDU. Raises ConnectionError when the peer has gone, or takes nothing for too long."""
        body = b"".join((len(value) + 1).to_bytes(4, "big") + bytes((number,)) + value for number, value in values)
        connection = self.socket
        try:
            if connection is None:
                raise ConnectionResetError(errno.ECONNRESET, "the peer has gone")
            with self._sending:
                connection.sendall(_PDU_HEAD.pack(_P_DATA, len(body)) + body)
        except OSError as fault:
            if connection is not None:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError("the peer has gone") from fault

    def _send_fragment(self, context_id: int, value: bytes) -> None:
        size = len(value) + 1
        self.send(_PDU_HEAD.pack(_P_DATA, size + 4) + size.to_bytes(4, "big") + bytes((context_id,)) + value)

    def _cut_into_slices(self, connection: socket.socket) -> None:
        """Let a read return after a slice without data."""
        if self._secure:
            connection.settimeout(_SLICE)
            return
        # The kernel's own timeouts: with Python's, each read would cost a poll as well.
        connection.settimeout(None)
        for option, seconds in ((socket.SO_RCVTIMEO, _SLICE), (socket.SO_SNDTIMEO, self._patience or 0)):
            timeval = struct.pack("@ll", int(seconds), int(seconds % 1 * 1_000_000))
            connection.setsockopt(socket.SOL_SOCKET, option, timeval)
