"""The composition root: from the configuration to the parts of a box. The only place that wires."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from appliance.access.journal import Journal
from appliance.access.tokens import TokenBook
from appliance.archive.index import Indexer
from appliance.config import Config
from appliance.dimse.client.echo import Echo, echo
from appliance.dimse.client.send import send
from appliance.keys import key
from appliance.peers.peers import PeerBook
from appliance.service import Sign, signs
from appliance.shares.sharing import Sharing
from appliance.spool.spool import Spool
from appliance.storage.contract import Blobs, Storage
from appliance.storage.files import Files
from appliance.storage.sqlite.store import SqliteStorage
from appliance.transfers import retry
from appliance.transfers.delivery import Delay
from appliance.transfers.queue import TransferQueue
from appliance.transfers.sender import Sender

if TYPE_CHECKING:
    from appliance.dimse.server import Receiver
    from appliance.dimse.service import Service


class Box:
    """One box: its folders, and its parts over them.

    The parts may be used from any thread: each thread gets an index connection of its own.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.data_dir = config.data_dir.resolve()
        self.run_dir = self.data_dir / "run"
        self.secrets_dir = self.data_dir / "secrets"
        self.index_path = self.data_dir / "index" / "index.sqlite3"
        self._threads = threading.local()
        for folder in (self.run_dir, self.index_path.parent):
            folder.mkdir(parents=True, exist_ok=True)
        self.secrets_dir.mkdir(mode=0o700, exist_ok=True)

    @property
    def storage(self) -> Storage:
        """This thread's connection to the index, opened anew when the file was replaced.

        Raises `IndexUnavailableError`.
        """
        if not (hasattr(self._threads, "storage") and self._threads.storage.is_current()):
            self.close()
            self._threads.storage = SqliteStorage(self.index_path)
        storage: Storage = self._threads.storage
        return storage

    def close(self) -> None:
        """Close this thread's connection."""
        if hasattr(self._threads, "storage"):
            self._threads.storage.close()
            del self._threads.storage

    @property
    def blobs(self) -> Blobs:
        """The archive's files."""
        return Files(self.data_dir / "archive")

    def spool(self, door: str) -> Spool:
        """The spool, as `door` (a service's name) fills it."""
        return Spool(self.data_dir / "spool", door, self.config.storage.reserve_mb)

    def receiver(self) -> Receiver:
        """The DIMSE server."""
        # Late: pynetdicom's server is slow to import, and one process needs it.
        from appliance.dimse.server import Receiver

        return Receiver(self.config.dicom, self.spool("receiver"), self.services())

    def services(self) -> list[Service]:
        """What the DIMSE server answers beside verification and storage; uses the index only once it is asked."""
        return []

    def indexer(self) -> Indexer:
        """What brings the spool into archive and index."""
        return Indexer(self.spool("indexer"), self.blobs, lambda: self.storage)

    @property
    def sharing(self) -> Sharing:
        """Patients' links."""
        return Sharing(self.storage, self.config.shares, self.config.public_url)

    @property
    def peers(self) -> PeerBook:
        """Whom we may send to."""
        return PeerBook(self.storage)

    @property
    def tokens(self) -> TokenBook:
        """Access tokens of programs."""
        return TokenBook(self.storage, self.secret("token.key"))

    def journal(self, door: str) -> Journal:
        """What notes for the audit who reads and writes what at `door`."""
        return Journal(self.data_dir / "audit", door, lambda: self.storage, self.close)

    @property
    def transfers(self) -> TransferQueue:
        """The outgoing queue."""
        return TransferQueue(self.storage)

    def sender(self, delay: Delay = retry.delay) -> Sender:
        """What works through the queue, trying again what failed after `delay`."""
        ours = self.config.dicom.ae_title
        return Sender(
            self.own_storage,
            partial(send, our_title=ours, blobs=self.blobs, scratch=self.run_dir),
            parallel=self.config.transfers.parallel,
            attempts=self.config.transfers.attempts,
            delay=delay,
        )

    def echo(self, peer: str) -> Echo:
        """Call a peer by C-ECHO. Raises `NotFoundError`, and `PeerError` when it doesn't answer as it should."""
        return echo(self.peers.get(peer), self.config.dicom.ae_title)

    @contextmanager
    def own_storage(self) -> Iterator[Storage]:
        """This thread's connection, for as long as the block."""
        try:
            yield self.storage
        finally:
            self.close()

    def secret(self, name: str) -> bytes:
        """A random key of 32 bytes, made at first use, readable by the service alone."""
        return key(self.secrets_dir, name)

    def signs(self) -> list[Sign]:
        """Which services are up."""
        return signs(self.run_dir)
