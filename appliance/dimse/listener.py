"""The listening socket and its connections: who is let in, what is told of them, how they end."""

from __future__ import annotations

import logging
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseServer
from typing import Any

from pynetdicom import evt
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association
from pynetdicom.events import Event
from pynetdicom.pdu_primitives import A_ASSOCIATE
from pynetdicom.presentation import build_context
from pynetdicom.transport import RequestHandler, ThreadedAssociationServer

from appliance.dimse import contexts, echo
from appliance.dimse.arrival import Arrivals
from appliance.dimse.caller import Caller, caller
from appliance.dimse.line import Line
from appliance.spool.spool import Spool

log = logging.getLogger(__name__)

_GRACE = 5.0
"""Seconds that C-STOREs under way have when we end."""
_CUT = 3.0
"""Seconds more until connections are cut."""
_WAIT = 0.01
_LOCAL_LIMIT_EXCEEDED = (0x02, 0x03, 0x02)
"""Rejected for the moment, by the service provider, local limit exceeded (PS3.8 table 9-21)."""
_MAX_TOLD = 10_000


def connections(associations: int) -> int:
    """How many connections may be open: probes and scanners hold some that never become associations."""
    return 4 * associations + 20


class Listener(ThreadedAssociationServer):
    """pynetdicom's server, with a limit, a log line an association, and an end that loses nothing."""

    request_queue_size = 128
    daemon_threads = True
    block_on_close = False

    def __init__(
        self,
        ae: ApplicationEntity,
        address: tuple[str, int],
        spool: Spool,
        *,
        associations: int,
        hot: bool,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Listen on `address`, for at most `associations` at a time, which fill `spool`; `hot` as in `Line`."""
        self.spool = spool
        self.hot = hot
        self.tls = tls
        self.associations = associations
        self._lock = threading.Lock()
        self._open: set[_Connection] = set()
        self._admitted: set[Association] = set()
        self._told: set[str] = set()
        verification = build_context(echo.SOP_CLASS, list(echo.TRANSFER_SYNTAXES))
        super().__init__(ae, address, ae.ae_title, [verification], request_handler=_Connection)
        self.bind(evt.EVT_C_ECHO, echo.answer)
        self.bind(evt.EVT_REQUESTED, self._on_request)
        self.bind(evt.EVT_CONN_CLOSE, _on_close)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether a connection is taken at all."""
        return len(self._open) < connections(self.associations)

    def service_actions(self) -> None:
        """pynetdicom collects garbage here, which stops all threads for a while; Python does so when it is due."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A fault ends one connection, not the server."""
        fault = sys.exc_info()[1]
        if isinstance(fault, OSError):
            log.warning("the connection from %s failed: %s", client_address[0], fault)
        else:
            log.exception("the connection from %s failed", client_address[0])

    def shutdown(self) -> None:
        """Take no more, let C-STOREs under way finish, hang up; returns when all is closed."""
        BaseServer.shutdown(self)
        self.server_close()
        end = time.monotonic() + _GRACE
        pause = threading.Event()
        while self._open and time.monotonic() < end + 2 * _CUT:
            late = time.monotonic() - end
            for connection in tuple(self._open):
                connection.end(finish=late < 0, cut=late > _CUT)
            pause.wait(_WAIT)

    @contextmanager
    def keeping_count(self, connection: _Connection, association: Association) -> Iterator[None]:
        """While a connection is open."""
        with self._lock:
            self._open.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(connection)
                self._admitted.discard(association)

    def _on_request(self, event: Event) -> None:
        """An association is asked for: pynetdicom negotiates it next, unless we reject it here."""
        association, request = event.assoc, event.assoc.requestor.primitive
        arrivals = association.dimse
        if not isinstance(request, A_ASSOCIATE) or not isinstance(arrivals, Arrivals):
            return
        arrivals.caller = caller(arrivals.caller.address, request)
        if not self._admit(association):
            association.acse.send_reject(*_LOCAL_LIMIT_EXCEEDED)
            association.kill()
            return
        association.acceptor.supported_contexts = contexts.accept(request.presentation_context_definition_list)
        self._tell(arrivals.caller)

    def _admit(self, association: Association) -> bool:
        with self._lock:
            if len(self._admitted) >= self.associations:
                return False
            self._admitted.add(association)
            return True

    def _tell(self, who: Caller) -> None:
        """What an installer should know of a caller, each once."""
        news = [f"sends an invalid AE title: {who.fault}"] if who.fault else []
        if who.called != self.ae_title:
            news.append(f"calls us {who.called!r}, but we are {self.ae_title!r}")
        for item in news:
            line = f"{who} {item}; it is accepted"
            if line not in self._told and len(self._told) < _MAX_TOLD:
                self._told.add(line)
                log.warning("%s", line)


def _on_close(event: Event) -> None:
    """pynetdicom waits its full time for the request of a connection that is gone already: nothing comes."""
    if event.assoc.requestor.primitive is None:
        event.assoc.dul.to_user_queue.put(None)


class _Connection(RequestHandler):
    """One connection, from its first byte until both of pynetdicom's threads for it have ended."""

    server: Listener
    request: socket.socket

    def setup(self) -> None:
        """Small answers go out at once; a peer that falls silent within a PDU is given up, not waited for."""
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.request.settimeout(self.ae.network_timeout)
        if self.server.tls is not None:
            # Here and not where pynetdicom does it: there one slow handshake keeps all others waiting.
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)

    def handle(self) -> None:
        """Serve it."""
        began = time.monotonic()
        self._ending = False
        self._association = self._create_association()
        self._arrivals = Arrivals(self._association, self.server.spool, Caller(self.client_address[0]))
        self._association.dimse = self._arrivals
        self._association.dul.socket = Line(self._association, self.request, self._arrivals, self.server.hot)
        # pynetdicom's own socket has announced the connection too; once is right.
        self._association.dul.event_queue.get_nowait()
        with self.server.keeping_count(self, self._association):
            self._association.start()
            self._association.join()
            self._cut()
            if self._association.dul.is_alive():
                self._association.dul.join()
            self._arrivals.close()
            self.request.close()
        self._report(time.monotonic() - began)

    def end(self, finish: bool, cut: bool) -> None:
        """We end: hang up, at once unless a C-STORE under way is to `finish`; `cut` without a word."""
        if cut:
            self._cut()
        elif not self._ending and not (finish and self._arrivals.busy):
            self._ending = True
            if self._association.is_established:
                self._association.abort(block=False)
            else:
                self._cut()

    def _cut(self) -> None:
        with suppress(OSError):
            self.request.shutdown(socket.SHUT_RDWR)

    def _report(self, seconds: float) -> None:
        association, who, tally = self._association, self._arrivals.caller, self._arrivals.tally
        if association.is_rejected:
            log.warning("%s was rejected: %d associations are open already", who, self.server.associations)
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
