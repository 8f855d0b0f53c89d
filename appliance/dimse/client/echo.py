"""C-ECHO to a peer (PS3.7 9.1.5): is it there, and does it let us in?"""

from __future__ import annotations

import time

from appliance.dimse.client.association import Association, Limits, status
from appliance.dimse.client.ourselves import Ourselves
from appliance.dimse.client.pdu import Context
from appliance.peers.faults import Fault, PeerError
from appliance.peers.link import Echo
from appliance.storage.rows import Peer
from appliance.transfers import words

_VERIFICATION = "1.2.840.10008.1.1"
_SYNTAXES = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1")
_C_ECHO = 0x0030


def echo(peer: Peer, ourselves: Ourselves, limits: Limits | None = None) -> Echo:
    """Ask `peer` for an echo. Raises `PeerError`, which says what is wrong."""
    start = time.monotonic()
    with Association(peer, ourselves, [Context(_VERIFICATION, _SYNTAXES)], limits) as association:
        if not association.accepted:
            raise PeerError(Fault.UNSUPPORTED, words.trouble(Fault.UNSUPPORTED, peer, ourselves.title))
        context = next(iter(association.accepted.values()))
        answer = association.ask(context, _C_ECHO, {0x0002: _VERIFICATION})
        if status(answer):
            raise PeerError(Fault.FAILED, words.trouble(Fault.FAILED, peer, ourselves.title))
    return Echo((time.monotonic() - start) * 1000)
