"""The composition root: from the configuration to the parts of a box. The only place that wires."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from appliance.access.bearers import Bearers
from appliance.access.journal import Journal
from appliance.access.refusals import Refusals
from appliance.access.staff import StaffBook
from appliance.access.tokens import TokenBook
from appliance.archive.index import Chore, Indexer
from appliance.archive.previews import Previews
from appliance.archive.rebuild import Rebuild, is_lost
from appliance.archive.snapshots import Snapshots, keep_snapshots
from appliance.commitment.evidence import Evidence
from appliance.commitment.prover import Prover
from appliance.commitment.reporter import Reporter
from appliance.commitment.rounds import beside
from appliance.config import Config
from appliance.dicom import charset
from appliance.dicomweb.link import DicomwebLink
from appliance.dimse.client.certificate import certificate
from appliance.dimse.client.link import DimseLink
from appliance.dimse.client.ourselves import Ourselves, listens
from appliance.dimse.client.send import send
from appliance.errors import IndexUnavailableError
from appliance.full_viewer import installed
from appliance.keys import key
from appliance.peers.known import KnownPeers
from appliance.peers.link import Echo, Links
from appliance.peers.peers import PeerBook
from appliance.peers.secrets import PeerSecrets
from appliance.priors.priors import Priors
from appliance.rereading import Rereading
from appliance.service import Sign, signs
from appliance.shares.root import told
from appliance.shares.sharing import Sharing
from appliance.spool.spool import Spool
from appliance.storage.contract import Blobs, Storage
from appliance.storage.files import Files
from appliance.storage.sqlite.store import SqliteStorage
from appliance.tls.certificates import Certificate
from appliance.tls.identity import Identity
from appliance.transfers import retry
from appliance.transfers.delivery import Delay
from appliance.transfers.queue import TransferQueue
from appliance.transfers.sender import Sender
from appliance.viewers.links import ViewerLinks
from appliance.worklist.keeper import Keeper
from appliance.worklist.orders import OrderBook
from appliance.worklist.steps import StepBook

if TYPE_CHECKING:
    from appliance.archive.previewing import Previewer
    from appliance.dimse.gate import Gate
    from appliance.dimse.server import Receiver
    from appliance.dimse.service import Service

T = TypeVar("T")


class Box:
    """One box: its folders, and its parts over them.

    The parts may be used from any thread: each thread gets an index connection of its own.
    """

    def __init__(self, config: Config, path: Path | None = None) -> None:
        """`path` is the file that `config` was read from."""
        self.config = config
        self.current = Rereading(config, path)
        """The configuration as its file has it now; what only starts with a service stays as in `config`."""
        self.data_dir = config.data_dir.resolve()
        self.run_dir = self.data_dir / "run"
        self.secrets_dir = self.data_dir / "secrets"
        self.index_path = self.data_dir / "index" / "index.sqlite3"
        self._threads = threading.local()
        self.access_dir = self.data_dir / "access"
        for folder in (self.run_dir, self.index_path.parent, self.access_dir):
            folder.mkdir(parents=True, exist_ok=True)
        self.secrets_dir.mkdir(mode=0o700, exist_ok=True)

    @property
    def storage(self) -> Storage:
        """This thread's connection to the index, opened anew when the file was replaced.

        Raises `IndexUnavailableError`, also when the file is missing though there are images: an empty index would
        hide them.
        """
        if not (hasattr(self._threads, "storage") and self._threads.storage.is_current()):
            self.close()
            if is_lost(self.index_path, self.blobs):
                raise IndexUnavailableError(
                    f"The index {self.index_path} is missing, though the archive holds images.",
                    "The indexer rebuilds it by itself; where none runs, `pacsbox reindex` does.",
                )
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

        journal = self.journal("dicom")
        return Receiver(
            self.config.dicom,
            self.spool("receiver"),
            self.services(journal),
            gate=self.gate(),
            identity=self.identity,
            journal=journal,
        )

    def gate(self) -> Gate:
        """Who is let in by DICOM; does without the index, if it must."""
        from appliance.dimse.gate import Gate

        known = KnownPeers(self.index_path, self.access_dir / "peers.json")
        return Gate(lambda: self.current().dicom, known, self.refusals)

    @property
    def refusals(self) -> Refusals:
        """Who was turned away lately."""
        return Refusals(self.access_dir / "refusals.json")

    @property
    def identity(self) -> Identity:
        """Our certificate, and those that we trust."""
        return Identity(self.data_dir / "tls", self.config.dicom.ae_title)

    @property
    def ourselves(self) -> Ourselves:
        """Who we are to peers that we call, as of now."""
        return Ourselves(self.our_title(), self.identity)

    def our_title(self) -> str:
        """Our AE title as of now."""
        return self.current().dicom.ae_title

    def _as_ourselves(self, call: Callable[..., T]) -> Callable[..., T]:
        """`call` as whom we are at that moment, for what goes on while our title may change."""
        return lambda *what, **how: call(*what, ourselves=self.ourselves, **how)

    def services(self, journal: Journal | None = None) -> list[Service]:
        """What the DIMSE server answers beside verification and storage; uses the index only once it is asked.

        What is read and written is noted in `journal`.
        """
        # Late, as the server.
        from appliance.dimse import commitment, find, get, move, mpps, worklist

        opening, characters = self.own_storage, self._character_set
        sending = self._as_ourselves(partial(send, blobs=self.blobs, scratch=self.run_dir))
        return [
            find.service(opening, self.our_title, characters, journal),
            get.service(opening, self.blobs, self.run_dir, journal),
            move.service(opening, sending, journal),
            worklist.service(opening, characters, journal),
            mpps.service(opening, journal),
            mpps.retrieve_service(opening, characters, journal),
            commitment.CommitmentService(opening, self._evidence("receiver"), journal).service(),
        ]

    def _character_set(self) -> str:
        return charset.for_answers(self.current().dicom.character_set)

    def indexer(self) -> Indexer:
        """What brings the spool into archive and index, and looks after the index."""
        chores: list[Chore] = [partial(keep_snapshots, self.snapshots, self.own_storage), self.previewer().run]
        return Indexer(self.spool("indexer"), self.blobs, lambda: self.storage, self.rebuild, chores)

    @property
    def previews(self) -> Previews:
        """Small pictures of new studies."""
        return Previews(self.data_dir / "previews")

    def previewer(self) -> Previewer:
        """What makes them."""
        # Late: only the indexer does, and codecs are much to load.
        from appliance.archive.previewing import Previewer

        return Previewer(self.previews, self.spool("indexer"), self.blobs, lambda: self.storage, self.close)

    @property
    def snapshots(self) -> Snapshots:
        """Copies of all that the archive can't rebuild."""
        return Snapshots(self.data_dir / "snapshots")

    @property
    def rebuild(self) -> Rebuild:
        """What makes the index anew."""
        return Rebuild(self.index_path, self.blobs, self.snapshots, lambda path: cast(Storage, SqliteStorage(path)))

    def keeper(self) -> Keeper:
        """What keeps the orders true."""
        folder = self.config.worklist.folder
        watched = Path(folder) if folder else None
        return Keeper(lambda: self.storage, self.close, watched, self.config.worklist.days)

    @property
    def orders(self) -> OrderBook:
        """What modalities are told to do."""
        return OrderBook(self.storage)

    @property
    def steps(self) -> StepBook:
        """What modalities reported."""
        return StepBook(self.storage)

    @property
    def sharing(self) -> Sharing:
        """Patients' links."""
        return Sharing(self.storage, self.config.shares, self.public_url)

    def public_url(self) -> str:
        """The root of patients' links: as configured, else as the running web service tells."""
        return self.config.web.public_url or told(self.run_dir) or self.config.public_url

    @property
    def peers(self) -> PeerBook:
        """Whom we may send to."""
        return PeerBook(self.storage, self.peer_secrets)

    @property
    def peer_secrets(self) -> PeerSecrets:
        """Tokens and passwords that they ask for."""
        return PeerSecrets(self.secrets_dir / "peers")

    @property
    def tokens(self) -> TokenBook:
        """Access tokens of programs."""
        return TokenBook(self.storage, self.secret("token.key"))

    @property
    def staff(self) -> StaffBook:
        """Who logs in at the clinic door."""
        return StaffBook(self.storage)

    @property
    def bearers(self) -> Bearers:
        """Access tokens, and passes for one study."""
        return Bearers(self.tokens, self.staff, self.secret("pass.key"))

    @property
    def viewer_links(self) -> ViewerLinks:
        """What opens a study in a viewer elsewhere."""
        return ViewerLinks(self.current(), self.storage, self.bearers, installed() is not None)

    def journal(self, door: str) -> Journal:
        """What notes for the audit who reads and writes what at `door`."""
        return Journal(self.data_dir / "audit", door, lambda: self.storage, self.close)

    @property
    def transfers(self) -> TransferQueue:
        """The outgoing queue."""
        return TransferQueue(self.storage)

    def sender(self, delay: Delay = retry.delay) -> Sender:
        """What works through the queue, trying again what failed after `delay`."""
        return Sender(
            self.own_storage,
            self.links.send,
            parallel=self.config.transfers.parallel,
            attempts=self.config.transfers.attempts,
            delay=delay,
        )

    def proof_of_storage(self) -> AbstractContextManager[None]:
        """What goes on by itself beside the sender: asking peers what they keep, telling them what we keep."""
        # Late: it brings pydicom's and pynetdicom's data sets, which only some processes need.
        from appliance.dimse.client import commitment

        reporter = Reporter(self._evidence("sender"), self._as_ourselves(commitment.tell))
        prover = Prover(self._as_ourselves(commitment.ask), timedelta(hours=self.config.transfers.confirm_hours))
        return beside(self.own_storage, reporter.once, prover.once)

    def _evidence(self, door: str) -> Evidence:
        return Evidence(self.blobs, self.spool(door))

    @property
    def priors(self) -> Priors:
        """Looking for studies at peers, and fetching them."""
        return Priors(self.peers, self.storage.studies, self.links)

    @property
    def links(self) -> Links:
        """What we can ask of peers, whichever way they are spoken to."""
        blobs, scratch, spool = self.blobs, self.run_dir, partial(self.spool, "fetch")
        most, receives = self.config.transfers.associations, partial(listens, self.config.dicom)
        dimse = DimseLink(lambda: self.ourselves, blobs, scratch, most, spool, receives)
        return Links(dimse, DicomwebLink(self.peer_secrets, self.identity, blobs, scratch, spool))

    def echo(self, peer: str) -> Echo:
        """Ask a peer whether it is there: by C-ECHO, or a query of DICOMweb.

        Raises `NotFoundError`, and `PeerError` when it doesn't answer as it should.
        """
        return self.links.verify(self.peers.get(peer))

    def certificate_of(self, peer: str) -> Certificate:
        """What a peer shows when it is called by TLS. Raises `NotFoundError` and `PeerError`."""
        return certificate(self.peers.get(peer), self.ourselves)

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
