"""One connection: from its first byte until nothing of it is left, and what is told of it then."""

from __future__ import annotations

import hashlib
import logging
import socket
import ssl
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from pynetdicom.transport import RequestHandler

from appliance.access.rights import Call, Why
from appliance.dimse import inside
from appliance.dimse.arrival import Arrivals
from appliance.dimse.audited import note_stores
from appliance.dimse.caller import Caller
from appliance.dimse.line import Line

if TYPE_CHECKING:
    from appliance.dimse.listener import Listener

log = logging.getLogger(__name__)


class HandshakeError(OSError):
    """TLS came to nothing."""


class ProbeError(OSError):
    """The connection ended before its first byte."""


class Connection(RequestHandler):
    """One connection, from its first byte until both of pynetdicom's threads for it have ended."""

    server: Listener
    request: socket.socket

    def setup(self) -> None:
        """Small answers go out at once; a peer that falls silent within a PDU is given up, not waited for."""
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.request.settimeout(self.ae.acse_timeout)
        self._fingerprint = ""
        self.server.shared.waiting.enter(self)
        try:
            if self.server.tls is not None:
                # Here and not where pynetdicom does it: there one slow handshake keeps all others waiting.
                self._shake_hands(self.server.tls)
            else:
                self._await_first_byte()
        except OSError:
            self.finish()
            self.request.close()  # with TLS, socketserver has another
            raise
        self.request.settimeout(self.ae.network_timeout)

    def finish(self) -> None:
        """It is over."""
        self.server.shared.waiting.leave(self)

    def _await_first_byte(self) -> None:
        """Most probes send none, and need no association. Raises OSError when none comes."""
        try:
            begun = self.request.recv(1, socket.MSG_PEEK)
        except OSError as fault:
            raise ProbeError from fault
        if not begun:
            raise ProbeError

    def _shake_hands(self, tls: ssl.SSLContext) -> None:
        """Raises OSError when it comes to nothing, which is then among the refusals."""
        try:
            # In two steps, so that it can be cut off meanwhile.
            self.request = tls.wrap_socket(self.request, server_side=True, do_handshake_on_connect=False)
            self.request.do_handshake()
        except OSError as fault:
            reason = f"TLS: {getattr(fault, 'verify_message', '') or getattr(fault, 'reason', '') or fault}"
            self.server.gate.note(Call("", "", self.client_address[0]), Why.HANDSHAKE, detail=reason)
            raise HandshakeError(reason) from fault
        certificate = self.request.getpeercert(binary_form=True)
        self._fingerprint = hashlib.sha256(certificate).hexdigest() if certificate else ""

    def handle(self) -> None:
        """Serve it."""
        began = time.monotonic()
        self._ending = False
        self._association = self._create_association()
        inside.end_quietly(self._association)
        self._arrivals = Arrivals(
            self._association, self.server.spool, Caller(self.client_address[0], fingerprint=self._fingerprint)
        )
        self._association.dimse = self._arrivals
        line = Line(self._association, self.request, self._arrivals, self.server.hot)
        self._association.dul.socket = line
        # pynetdicom's own socket has announced the connection too; once is right.
        self._association.dul.event_queue.get_nowait()
        with self.server.keeping_count(self, self._association):
            self._association.start()
            self._association.join()
            self.cut()
            if self._association.dul.is_alive():
                self._association.dul.join()
            self._arrivals.close()
            self.request.close()
            line.forget()
            # While it counts as open, for the journal is closed once none is.
            note_stores(self.server.journal, self._arrivals.caller, self._arrivals.tally)
        self._report(time.monotonic() - began)

    def end(self, finish: bool, cut: bool) -> None:
        """We end: hang up, at once unless a C-STORE under way is to `finish`; `cut` without a word."""
        if cut:
            self.cut()
        elif not self._ending and not (finish and self._arrivals.busy):
            self._ending = True
            if self._association.is_established:
                self._association.abort(block=False)
            else:
                self.cut()

    def cut(self) -> None:
        """End the connection without a word."""
        with suppress(OSError):
            self.request.shutdown(socket.SHUT_RDWR)

    def _report(self, seconds: float) -> None:
        association, who, tally = self._association, self._arrivals.caller, self._arrivals.tally
        if association.is_rejected:
            log.debug("%s was rejected", who)  # why, the gate has told
        elif association.requestor.primitive is None:
            log.debug("a connection from %s ended without asking for an association", who.address)
        else:
            log.info(
                "%s: %d stored, %d refused, %.1f MB in %.1f s%s",
                who,
                tally.stored,
                tally.refused,
                tally.size / 1e6,
                seconds,
                "" if association.is_released else ", broken off",
            )
