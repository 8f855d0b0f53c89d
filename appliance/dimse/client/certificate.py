"""Which certificate a peer shows where it is called by TLS."""

from __future__ import annotations

from appliance.dimse.client.association import Limits, call
from appliance.dimse.client.ourselves import Ourselves
from appliance.peers.faults import PeerError
from appliance.storage.rows import Peer
from appliance.tls import outgoing
from appliance.tls.certificates import Certificate
from appliance.transfers import words


def certificate(peer: Peer, ourselves: Ourselves, limits: Limits | None = None) -> Certificate:
    """Nothing but the certificate is asked for, and it is not judged. Raises `PeerError`."""
    limits = limits or Limits()
    try:
        connection = call(peer, ourselves, limits.connect)
        return outgoing.certificate(connection, ourselves.identity, limits.greeting)
    except outgoing.SecureError as fault:
        raise PeerError(fault.fault, words.trouble(fault.fault, peer, ourselves.title)) from fault
