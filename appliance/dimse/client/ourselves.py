"""Who we are to peers that we call, and whether they could call us."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass

from appliance.config import Dicom
from appliance.tls.identity import Identity

_SECONDS = 2.0
"""Our own machine answers in microseconds, unless it is busy."""


@dataclass(frozen=True)
class Ourselves:
    """Who calls."""

    title: str
    """Our AE title."""
    identity: Identity | None = None
    """What we show to peers that are called by TLS, and whom we trust; without it those can't be called."""


def listens(config: Dicom) -> bool:
    """Whether the box's receiver takes calls: on its plain port, or on that of TLS where there is no other.

    A port that the system chose is not known here, and taken for one that does.
    """
    port = config.tls_port if config.tls == "only" else config.port
    bound = ipaddress.ip_address(config.bind)
    host = ("::1" if bound.version == 6 else "127.0.0.1") if bound.is_unspecified else config.bind
    if not port:
        return True
    try:
        socket.create_connection((host, port), _SECONDS).close()
    except OSError:
        return False
    return True
