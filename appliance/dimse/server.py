"""The DIMSE server as a service of the box. What it answers is in a file per service."""

from __future__ import annotations

import logging
import os
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pydicom.config
from pynetdicom import _config
from pynetdicom.ae import ApplicationEntity

from appliance.access.journal import Journal
from appliance.config import Dicom
from appliance.dicom.uid import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from appliance.dimse import inside
from appliance.dimse.caller import accept_any_title
from appliance.dimse.gate import Gate
from appliance.dimse.listener import LONGEST_END, Listener
from appliance.dimse.places import Shared
from appliance.dimse.processes import Processes
from appliance.dimse.service import Service
from appliance.dimse.watch import Watch, apply
from appliance.errors import PacsboxError, StorageFullError
from appliance.spool.spool import Spool
from appliance.tls.identity import Identity

if TYPE_CHECKING:
    from appliance.discovery.neighbours import Announcement

log = logging.getLogger(__name__)

_BACKLOG = 1024
"""Calls that may wait to be taken: beyond that the kernel lets a caller wait for a second."""
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
        gate: Gate | None = None,
        identity: Identity | None = None,
        journal: Journal | None = None,
        hot: bool | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Serve who comes through `gate`, without one as `config` says; by TLS too, with `identity`.

        `hot`: read P-DATA ourselves, not through pynetdicom; unless said, where we know its inside. `tls`: for the
        plain port, in tests. `journal`: what is read and written is noted in, kept going meanwhile.
        """
        self._services = services
        self._journal = journal
        self._config = config
        self._identity = identity
        self._tls = tls
        self._hot = inside.is_known() if hot is None else hot
        self._spool = spool
        self._gate = gate or Gate(lambda: config)
        self._listeners: list[Listener] = []
        self._watch: Watch | None = None
        self._announcement: Announcement | None = None
        self.tls_port: int | None = None
        """Where TLS is spoken, once started."""

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop`, in as many processes as configured. Raises as `start` does."""
        count = self._config.processes or max(1, (os.cpu_count() or 1) - 1)
        if count == 1:
            self.start()
            stop.wait()
            self.stop()
            return
        _settle_libraries()
        ports = self._open()
        shared = Shared(self._config.max_associations, count)

        def serve(number: int, stop: threading.Event) -> None:
            shared.be(number)
            self._serve(ports, shared)
            if number == 0:
                self._announce(ports)
            stop.wait()
            self.stop()

        Processes(count, list(ports.values()), serve, LONGEST_END + 1).run(stop)

    def start(self) -> int:
        """Listen; the first port. Raises `PacsboxError` when it can't be had."""
        _settle_libraries()
        ports = self._open()
        self._serve(ports, Shared(self._config.max_associations))
        self._announce(ports)
        port: int = next(iter(ports.values())).getsockname()[1]
        return port

    def stop(self) -> None:
        """Take no more associations, let C-STOREs under way finish for some seconds, then hang up."""
        if self._announcement is not None:
            self._announcement.stop()
            self._announcement = None
        listeners, self._listeners = self._listeners, []
        endings = [threading.Thread(target=listener.shutdown, name="ending") for listener in listeners]
        for ending in endings:
            ending.start()
        for ending in endings:
            ending.join()
        if self._watch is not None:
            self._watch.end()
            self._watch = None
        if self._journal is not None:
            self._journal.close()

    def _serve(self, ports: Mapping[bool, socket.socket], shared: Shared) -> None:
        try:
            self._spool.sweep()
        except StorageFullError as fault:
            # Senders are better told so than left without an answer.
            log.error("%s %s", fault, fault.hint)
        if self._journal is not None:
            self._journal.start()
        ae = _application_entity(self._config)
        self._listeners = [self._listener(ae, secure, port, shared) for secure, port in ports.items()]
        for listener in self._listeners:
            threading.Thread(target=listener.serve_forever, args=(_POLL,), name="listener", daemon=True).start()
        self._watch = Watch(self._gate, self._listeners, shared, ae, self._identity)
        self._watch.start()

    def _announce(self, ports: Mapping[bool, socket.socket]) -> None:
        """By one process, which has been forked: it needs threads."""
        if not self._config.discovery:
            return
        # Late: a library of its own, that few boxes need.
        from appliance.discovery.neighbours import Announcement

        numbers = [(port.getsockname()[1], secure) for secure, port in ports.items()]
        self._announcement = Announcement(self._config.ae_title, self._config.bind, numbers)
        self._announcement.start()

    def _listener(self, ae: ApplicationEntity, secure: bool, port: socket.socket, shared: Shared) -> Listener:
        tls = self._identity.server(self._config.tls_clients) if secure and self._identity else self._tls
        crowd = shared.secure_crowd if secure else shared.crowd
        return Listener(
            ae,
            port,
            self._spool,
            shared,
            gate=self._gate,
            services=self._services,
            hot=self._hot,
            tls=tls,
            crowd=crowd,
            journal=self._journal,
        )

    def _open(self) -> dict[bool, socket.socket]:
        """Bind the ports: by whether TLS is spoken there, the plain one first."""
        config, ports = self._config, {}
        if self._identity is None or config.tls != "only":
            ports[False] = self._bind("dicom.port", config.port)
        if self._identity is not None and config.tls != "off":
            self._identity.make()
            ports[True] = self._bind("dicom.tls_port", config.tls_port)
            self.tls_port = ports[True].getsockname()[1]
        for secure, port in ports.items():
            what = " by TLS" if secure else ""
            log.info("%s listens%s on %s port %d", config.ae_title, what, config.bind, port.getsockname()[1])
        return ports

    def _bind(self, option: str, port: int) -> socket.socket:
        address = self._config.bind
        try:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            return socket.create_server((address, port), family=family, backlog=_BACKLOG)
        except OSError as fault:
            raise PacsboxError(
                f"The DICOM port {port} of {address} cannot be opened: {os.strerror(fault.errno or 0)}.",
                f"Set {option} and dicom.bind to what is free here, or end the program that has it.",
            ) from fault


def _application_entity(config: Dicom) -> ApplicationEntity:
    ae = ApplicationEntity(config.ae_title)
    ae.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    ae.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    apply(config, ae)
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
