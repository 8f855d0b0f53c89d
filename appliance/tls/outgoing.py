"""Calling peers by TLS, with the certificate of this box."""

from __future__ import annotations

import hashlib
import socket
import ssl
from collections.abc import Iterable
from typing import Any

from appliance.peers.faults import Fault
from appliance.storage.rows import Peer
from appliance.tls import certificates
from appliance.tls.certificates import Certificate
from appliance.tls.identity import Identity


class Secured(ssl.SSLSocket):
    """A connection as `dimse.client` uses it, where the kernel times reads and writes."""

    def sendmsg(self, buffers: Iterable[Any], *_: Any) -> int:  # type: ignore[override]
        """All of `buffers`."""
        data = b"".join(buffers)
        self.sendall(data)
        return len(data)

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """What there is. Raises BlockingIOError when it does not come in time, as other sockets do."""
        try:
            return super().recv(buflen, flags)
        except ssl.SSLWantReadError as fault:
            raise BlockingIOError("nothing came in time") from fault


class SecureError(Exception):
    """It came to nothing; `fault` says how."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


def secured(connection: socket.socket, peer: Peer, identity: Identity | None, seconds: float) -> socket.socket:
    """`connection` to `peer` by TLS, if that is how it is called; its own certificate is checked (PS3.15 B.12).

    That of a pinned peer is kept, so that it is known also when the peer calls us. Raises `SecureError`, with the
    connection closed; `PacsboxError` when our own certificate can't be used; TypeError without an `identity` for TLS.
    """
    if not peer.tls:
        return connection
    identity = _needed(identity, connection)
    found = _greeted(connection, identity, seconds, verified=not peer.fingerprint)
    if peer.fingerprint:
        shown = found.getpeercert(binary_form=True) or b""
        if hashlib.sha256(shown).hexdigest() != peer.fingerprint:
            raise _closed(found, Fault.CERTIFICATE)
        identity.keep(peer.fingerprint, shown)
    return found


def certificate(connection: socket.socket, identity: Identity | None, seconds: float) -> Certificate:
    """What the peer at the other end of `connection` shows, whether or not we trust it; closes. Raises as `secured`."""
    with _greeted(connection, _needed(identity, connection), seconds, verified=False) as found:
        return certificates.read(found.getpeercert(binary_form=True) or b"")[0]


def _needed(identity: Identity | None, connection: socket.socket) -> Identity:
    if identity is None:
        connection.close()
        raise TypeError("a peer is called by TLS, but we were given no identity to show it")
    return identity


def _greeted(connection: socket.socket, identity: Identity, seconds: float, *, verified: bool) -> ssl.SSLSocket:
    identity.make()
    context = identity.client(verified=verified)
    context.sslsocket_class = Secured
    connection.settimeout(seconds)
    try:
        return context.wrap_socket(connection)
    except ssl.SSLCertVerificationError as fault:
        raise _closed(connection, Fault.CERTIFICATE) from fault
    except TimeoutError as fault:
        raise _closed(connection, Fault.NO_GREETING) from fault
    except OSError as fault:
        raise _closed(connection, Fault.TLS) from fault


def _closed(connection: socket.socket, fault: Fault) -> SecureError:
    connection.close()
    return SecureError(fault)
