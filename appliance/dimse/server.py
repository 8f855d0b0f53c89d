"""The DIMSE server as a service of the box. What it answers is in a file per service."""

from __future__ import annotations

import logging
import os
import socket
import ssl
import threading
from collections.abc import Sequence

import pydicom.config
from pynetdicom import _config
from pynetdicom.ae import ApplicationEntity

from appliance.config import Dicom
from appliance.dicom.uid import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from appliance.dimse import inside
from appliance.dimse.caller import accept_any_title
from appliance.dimse.listener import LONGEST_END, Listener
from appliance.dimse.places import Shared
from appliance.dimse.processes import Processes
from appliance.dimse.service import Service
from appliance.errors import PacsboxError, StorageFullError
from appliance.spool.spool import Spool

log = logging.getLogger(__name__)

_ACSE_TIMEOUT = 30
"""Seconds until a connection must have asked for an association (ARTIM, PS3.8 9.1.5)."""
_BACKLOG = 128
_POLL = 0.1
"""Seconds between looks whether to stop listening."""


class Receiver:
    """Answers C-ECHO, C-STORE and what `services` are asked; images go to the spool and nowhere else."""

    def __init__(
        self,
        config: Dicom,
        spool: Spool,
        services: Sequence[Service] = (),
        *,
        hot: bool | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`hot`: read P-DATA ourselves, not through pynetdicom; unless said, where we know its inside."""
        self._services = services
        self._config = config
        self._tls = tls
        self._hot = inside.is_known() if hot is None else hot
        self._spool = spool
        self._listener: Listener | None = None

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop`, in as many processes as configured. Raises as `start` does."""
        count = self._config.processes or max(1, (os.cpu_count() or 1) - 1)
        if count == 1:
            self.start()
            stop.wait()
            self.stop()
            return
        _settle_libraries()
        listening = self._bind()
        self._say(listening)
        shared = Shared(self._config.max_associations, count)

        def serve(number: int, stop: threading.Event) -> None:
            shared.crowd.be(number)
            self._serve(listening, shared)
            stop.wait()
            self.stop()

        Processes(count, listening, serve, LONGEST_END + 1).run(stop)

    def start(self) -> int:
        """Listen; the port. Raises `PacsboxError` when it can't be had."""
        _settle_libraries()
        listening = self._bind()
        port = self._say(listening)
        self._serve(listening, Shared(self._config.max_associations))
        return port

    def stop(self) -> None:
        """Take no more associations, let C-STOREs under way finish for some seconds, then hang up."""
        if self._listener is not None:
            self._listener.shutdown()
            self._listener = None

    def _serve(self, listening: socket.socket, shared: Shared) -> None:
        try:
            self._spool.sweep()
        except StorageFullError as fault:
            # Senders are better told so than left without an answer.
            log.error("%s %s", fault, fault.hint)
        ae = _application_entity(self._config)
        self._listener = Listener(
            ae, listening, self._spool, shared, services=self._services, hot=self._hot, tls=self._tls
        )
        threading.Thread(target=self._listener.serve_forever, args=(_POLL,), name="listener", daemon=True).start()

    def _say(self, listening: socket.socket) -> int:
        port: int = listening.getsockname()[1]
        log.info("%s listens on %s port %d", self._config.ae_title, self._config.bind, port)
        return port

    def _bind(self) -> socket.socket:
        config = self._config
        try:
            family = socket.AF_INET6 if ":" in config.bind else socket.AF_INET
            return socket.create_server((config.bind, config.port), family=family, backlog=_BACKLOG)
        except OSError as fault:
            raise PacsboxError(
                f"The DICOM port {config.port} of {config.bind} cannot be opened: {os.strerror(fault.errno or 0)}.",
                "Set dicom.port and dicom.bind to what is free here, or end the program that has it.",
            ) from fault


def _application_entity(config: Dicom) -> ApplicationEntity:
    ae = ApplicationEntity(config.ae_title)
    ae.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    ae.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    ae.maximum_pdu_size = config.max_pdu
    # pynetdicom counts connections that never asked for an association; the listener counts better.
    ae.maximum_associations = Shared.connections_for(config.max_associations) + 1
    ae.acse_timeout = min(_ACSE_TIMEOUT, config.idle_timeout)
    ae.dimse_timeout = config.idle_timeout
    ae.network_timeout = config.idle_timeout
    return ae


def _settle_libraries() -> None:
    """Both libraries are set for the process: to tell nothing of what every foreign object has wrong."""
    accept_any_title()
    # It would describe each PDU and data set, patients' names included, only to throw the text away.
    _config.LOG_HANDLER_LEVEL = "none"
    # A traceback for each broken connection: ours is one line. What our own handlers raise is told still.
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
    logging.getLogger("pynetdicom.events").setLevel(logging.ERROR)
    # UIDs are checked by `dicom.uid`; a Python warning a UID helps nobody.
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
