"""The listening socket: who is let in, and with what; how all connections end."""

from __future__ import annotations

import errno
import logging
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from socketserver import BaseServer
from typing import Any, cast

from pynetdicom import evt
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association
from pynetdicom.events import Event
from pynetdicom.pdu_primitives import A_ASSOCIATE
from pynetdicom.presentation import build_context
from pynetdicom.transport import ThreadedAssociationServer

from appliance.access.journal import Journal
from appliance.access.rights import Verdict, Why
from appliance.dimse import contexts, echo
from appliance.dimse.arrival import Arrivals
from appliance.dimse.caller import Caller, caller
from appliance.dimse.connection import Connection, HandshakeError, ProbeError
from appliance.dimse.gate import Gate
from appliance.dimse.places import Crowd, Shared
from appliance.dimse.service import Service, agreed, by_request
from appliance.spool.spool import Spool
from appliance.storage.rows import Right

log = logging.getLogger(__name__)

_GRACE = 5.0
"""Seconds that C-STOREs under way have when we end."""
_CUT = 3.0
"""Seconds more until connections are cut."""
LONGEST_END = _GRACE + 2 * _CUT
_WAIT = 0.01
_YIELD = 0.2
"""Seconds for which a connection is left to a process that has fewer; it may be stuck."""
_LOCAL_LIMIT_EXCEEDED = (0x02, 0x03, 0x02)
"""Rejected for the moment, by the service provider, local limit exceeded (PS3.8 table 9-21)."""
_CALLING_NOT_RECOGNIZED = (0x01, 0x01, 0x03)
_CALLED_NOT_RECOGNIZED = (0x01, 0x01, 0x07)
"""Rejected for good, by the service user, AE title not recognized (ibid.)."""
_MAX_TOLD = 10_000
_LONGEST_WAIT = 30.0
"""Seconds until a connection must have asked for an association, unless pynetdicom is told otherwise."""
_KEPT_FOR_PEERS = 4
"""One place of so many is for those whom we know, where we know any."""


class Listener(ThreadedAssociationServer):
    """pynetdicom's server, with a limit, a log line an association, and an end that loses nothing."""

    daemon_threads = True
    block_on_close = False

    def __init__(
        self,
        ae: ApplicationEntity,
        listening: socket.socket,
        spool: Spool,
        shared: Shared,
        *,
        gate: Gate,
        services: Sequence[Service] = (),
        hot: bool,
        tls: ssl.SSLContext | None = None,
        crowd: Crowd | None = None,
        journal: Journal | None = None,
    ) -> None:
        """Serve the connections to `listening`, which fill `spool` or ask `services`, as far as `gate` lets them.

        `hot` as in `Line`; `tls`: all of them by TLS, in a `crowd` of their own. What is stored is noted in `journal`.
        """
        self.services = services
        self.gate = gate
        self.crowd = crowd or shared.crowd
        self.spool = spool
        self.shared = shared
        self.hot = hot
        self.tls = tls
        self.journal = journal
        self._listening = listening
        self._lock = threading.Lock()
        self._open: dict[Association, Connection] = {}
        self._places: dict[Any, int] = {}
        self._admitted: dict[Association, int] = {}
        self._left_to = (-1, 0)
        self._waited = 0.0
        self._told: set[str] = set()
        verification = build_context(echo.SOP_CLASS, list(echo.TRANSFER_SYNTAXES))
        super().__init__(ae, listening.getsockname(), ae.ae_title, [verification], request_handler=Connection)
        self.bind(evt.EVT_C_ECHO, echo.answer)
        self.bind(evt.EVT_REQUESTED, self._on_request)
        self.bind(evt.EVT_SOP_EXTENDED, _agreed)
        self.bind(evt.EVT_CONN_CLOSE, _on_close)

    def server_bind(self) -> None:
        """The socket is there, bound and listening, and other processes may have it too."""
        assert self.socket is not None
        self.socket.close()
        self.socket = self._listening
        # Another process may be quicker to take the connection that woke us.
        self.socket.setblocking(False)
        self.server_address = self.socket.getsockname()

    def server_activate(self) -> None:
        """As `server_bind`."""

    def server_close(self) -> None:
        """Our end of the socket alone: a shutdown would end it for all processes."""
        self._listening.close()

    def get_request(self) -> tuple[socket.socket, Any]:
        """The next connection, if we are the least busy of the processes and have a place for it.

        Raises BlockingIOError if not: then it waits, before it is taken.
        """
        if not self.crowd.is_our_turn():
            least = self.crowd.least()
            if least != self._left_to:
                # Who did not take what we left to it is not waited for again, until it does take one.
                self._left_to, self._waited = least, 0.0
            if self._waited < _YIELD:
                self._waited += _WAIT
                time.sleep(_WAIT)
                raise BlockingIOError(errno.EAGAIN, "another process has fewer connections")
        place = self.shared.connections.take()
        if place is None:
            self.shared.waiting.make_room()
            time.sleep(_WAIT)
            raise BlockingIOError(errno.EAGAIN, "all places for connections are taken")
        try:
            request, address = self._listening.accept()
        except OSError:
            self.shared.connections.free(place)
            raise
        with self._lock:
            self._places[request] = place
            self.crowd.tell(len(self._places))
        return request, address

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give the connection a thread. Raises RuntimeError when the machine has none left."""
        try:
            super().process_request(request, client_address)
        except RuntimeError:
            self._leave(request)
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """One connection from its beginning to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._leave(request)

    def _leave(self, request: Any) -> None:
        with self._lock:
            self.shared.connections.free(self._places.pop(request))
            self.crowd.tell(len(self._places))

    def service_actions(self) -> None:
        """From time to time: pynetdicom can't end a connection of which a byte comes now and then.

        It collects garbage here, which stops all threads for a while; Python does so when it is due.
        """
        self.shared.waiting.expire(self.ae.acse_timeout or _LONGEST_WAIT)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A fault ends one connection, not the server."""
        fault = sys.exc_info()[1]
        if isinstance(fault, HandshakeError):
            pass  # the gate has told it
        elif isinstance(fault, ProbeError):
            log.debug("a connection from %s ended without asking for an association", client_address[0])
        elif isinstance(fault, OSError):
            log.warning("the connection from %s failed: %s", client_address[0], fault)
        else:
            log.exception("the connection from %s failed", client_address[0])

    def shutdown(self) -> None:
        """Take no more, let C-STOREs under way finish, hang up; returns when all is closed."""
        BaseServer.shutdown(self)
        self.server_close()
        self.shared.waiting.dismiss()
        end = time.monotonic() + _GRACE
        pause = threading.Event()
        while self._open and time.monotonic() < end + 2 * _CUT:
            late = time.monotonic() - end
            for connection in tuple(self._open.values()):
                connection.end(finish=late < 0, cut=late > _CUT)
            pause.wait(_WAIT)

    @contextmanager
    def keeping_count(self, connection: Connection, association: Association) -> Iterator[None]:
        """While a connection is open."""
        with self._lock:
            self._open[association] = connection
        try:
            yield
        finally:
            with self._lock:
                del self._open[association]
                place = self._admitted.pop(association, None)
            if place is not None:
                self.shared.associations.free(place)

    def _on_request(self, event: Event) -> None:
        """An association is asked for: pynetdicom negotiates it next, unless we reject it here."""
        association, request = event.assoc, event.assoc.requestor.primitive
        arrivals = association.dimse
        if not isinstance(request, A_ASSOCIATE) or not isinstance(arrivals, Arrivals):
            return
        self.shared.waiting.leave(self._open[association])
        who = caller(arrivals.caller.address, request, arrivals.caller.fingerprint)
        verdict = self.gate.judge(who.call)
        arrivals.caller = replace(who, peer=verdict.peer if verdict.why is Why.RIGHT else "")
        rejection = self._rejection(association, who, verdict)
        if rejection:
            association.acse.send_reject(*rejection)
            association.kill()
            return
        proposed = request.presentation_context_definition_list
        returning = [str(uid) for uid, role in association.requestor.role_selection.items() if role.scp_role]
        forbidden = contexts.forbidden(proposed, self.services, verdict.rights, returning)
        if forbidden:
            self.gate.note(who.call, verdict.why, verdict.peer, sorted(set(forbidden.values())))
            contexts.refuse_as_user(association, forbidden)
        arrivals.may_store = Right.STORE in verdict.rights
        arrivals.stored_anyway = partial(self.gate.note, who.call, verdict.why, verdict.peer, [Right.STORE.value])
        offered = [service for service in self.services if service.right in verdict.rights]
        arrivals.answerers = by_request(offered)
        arrivals.agreed = agreed(offered, association.requestor.sop_class_extended)
        if not any(service.sends for service in offered):
            # No instances go back to it; a report of what it keeps for us still comes by the role that it offers.
            returning = [uid for uid in returning if not contexts.is_storage(uid)]
        association.acceptor.supported_contexts = contexts.accept(
            proposed,
            self.services,
            forbidden=forbidden,
            preferred=self.gate.config.transfer_syntaxes,
            returning=returning,
        )
        self._tell(who)

    def _rejection(self, association: Association, who: Caller, verdict: Verdict) -> tuple[int, int, int] | None:
        """Why an association is not to be, as A-ASSOCIATE-RJ says it; None when it is."""
        if not verdict.accepted:
            self.gate.note(who.call, verdict.why, verdict.peer)
            return _CALLED_NOT_RECOGNIZED if verdict.why is Why.CALLED else _CALLING_NOT_RECOGNIZED
        crowded = self._admit(association, who.address, is_peer=verdict.why is Why.RIGHT)
        if crowded:
            self.gate.note(who.call, Why.CROWDED, verdict.peer, detail=crowded)
            return _LOCAL_LIMIT_EXCEEDED
        return None

    def _admit(self, association: Association, address: str, is_peer: bool) -> str:
        """Give it a place; why not, if there is none. Strangers leave some free for peers."""
        places, most = self.shared.associations, self.gate.config.max_per_peer
        spare = 0 if is_peer or not self.gate.policy.peers else places.count // _KEPT_FOR_PEERS
        place = places.take(spare)
        if place is None:
            return f"{places.count - spare} associations are open already"
        if places.own(place, address) > most:
            places.free(place)
            return f"{most} associations of this address are open already"
        with self._lock:
            self._admitted[association] = place
        return ""

    def _tell(self, who: Caller) -> None:
        """What an installer should know of a caller, each once."""
        if who.fault:
            line = f"{who} sends an invalid AE title: {who.fault}; it is accepted"
            if line not in self._told and len(self._told) < _MAX_TOLD:
                self._told.add(line)
                log.warning("%s", line)


def _agreed(event: Event) -> dict[str, bytes]:
    """The outcome of extended negotiation; pynetdicom puts it into its answer."""
    arrivals = event.assoc.dimse
    return dict(arrivals.agreed) if isinstance(arrivals, Arrivals) else {}


def _on_close(event: Event) -> None:
    """pynetdicom waits its full time for the request of a connection that is gone already: nothing comes."""
    if event.assoc.requestor.primitive is None:
        event.assoc.dul.to_user_queue.put(cast(Any, None))
