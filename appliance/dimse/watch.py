"""What a receiver looks after while it serves: its rules and limits may change, its refusals go to their file.

What changes counts for associations from then on. Only ports, address and number of processes need a restart.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from pynetdicom.ae import ApplicationEntity

from appliance.config import Dicom
from appliance.dimse import inside
from appliance.dimse.gate import Gate
from appliance.dimse.listener import Listener
from appliance.dimse.places import Shared
from appliance.errors import PacsboxError
from appliance.tls.identity import Identity

log = logging.getLogger(__name__)

INTERVAL = 1.0
"""Seconds between looks."""
_ACSE_TIMEOUT = 30
"""Seconds until a connection must have asked for an association (ARTIM, PS3.8 9.1.5)."""
_NEED_RESTART = ("bind", "port", "processes", "tls", "tls_port")


class Watch:
    """A thread of one receiver process."""

    def __init__(
        self,
        gate: Gate,
        listeners: Sequence[Listener],
        shared: Shared,
        ae: ApplicationEntity,
        identity: Identity | None,
    ) -> None:
        self._gate = gate
        self._listeners = listeners
        self._shared = shared
        self._ae = ae
        self._identity = identity
        self._applied = gate.config
        self._certificates = identity.state() if identity else None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """No more; the last refusals are brought into their file."""
        self._over.set()
        self._thread.join()
        self._gate.flush()

    def look(self) -> None:
        """Look once, and bring into force what has changed."""
        self._gate.renew()
        config = self._gate.config
        if config != self._applied:
            late = [name for name in _NEED_RESTART if getattr(config, name) != getattr(self._applied, name)]
            if late:
                log.warning("%s: changed, but in force only after a restart", ", ".join(f"dicom.{n}" for n in late))
            apply(config, self._ae)
            self._shared.resize(config.max_associations)
        self._renew_certificates(config)
        self._applied = config

    def _renew_certificates(self, config: Dicom) -> None:
        if self._identity is None:
            return
        state = self._identity.state()
        if state == self._certificates and config.tls_clients == self._applied.tls_clients:
            return
        self._certificates = state
        for listener in self._listeners:
            if listener.tls is not None:
                try:
                    listener.tls = self._identity.server(config.tls_clients)
                except (PacsboxError, OSError, ValueError) as fault:
                    log.error("the certificates were changed, but those before stay in use: %s", fault)

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                self.look()
            except Exception:
                # The outermost loop of this thread: who is let in stays as it was, and reception goes on.
                log.exception("the receiver could not look after its rules")
            self._over.wait(INTERVAL)


def apply(config: Dicom, ae: ApplicationEntity) -> None:
    """Bring the limits into force, for associations from now on."""
    ae.ae_title = config.ae_title
    ae.maximum_pdu_size = config.max_pdu
    # pynetdicom counts connections that never asked for an association; the listener counts better.
    ae.maximum_associations = Shared.connections_for(config.max_associations) + 1
    inside.set_timeouts(ae, min(_ACSE_TIMEOUT, config.idle_timeout), config.dimse_timeout, config.idle_timeout)
