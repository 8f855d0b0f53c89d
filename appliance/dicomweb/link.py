"""DICOMweb servers as peers: `peers.link.Link`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.errors import NotFoundError
from appliance.peers.faults import Fault, PeerError
from appliance.peers.link import Echo, Report, Stopped
from appliance.peers.secrets import PeerSecrets
from appliance.priors.progress import Progress
from appliance.priors.search import RemoteStudy
from appliance.spool.spool import Spool
from appliance.storage.contract import Blobs
from appliance.storage.rows import Peer, TransferItem
from appliance.tls.identity import Identity
from appliance.transfers.ledger import Outcome

if TYPE_CHECKING:
    from appliance.dicomweb.session import Limits, Session


@dataclass(frozen=True)
class DicomwebLink:
    """By QIDO-RS, WADO-RS and STOW-RS. The libraries are loaded once they are needed."""

    secrets: PeerSecrets
    identity: Identity
    """Whose trust counts beside the system's."""
    blobs: Blobs
    scratch: Path
    spool: Callable[[], Spool]
    limits: Limits | None = None

    def verify(self, peer: Peer) -> Echo:
        """As `Link`."""
        from appliance.dicomweb import query

        with self._session(peer) as session:
            return query.verify(session)

    def find(self, peer: Peer, keys: Mapping[str, str], most: int) -> list[dict[str, str]]:
        """As `Link`."""
        from appliance.dicomweb import query

        with self._session(peer) as session:
            return query.studies(session, keys, most)

    def fetch(self, peer: Peer, study: RemoteStudy, report: Report, stopped: Stopped) -> Progress:
        """As `Link`."""
        from appliance.dicomweb.fetch import Fetch

        with self._session(peer) as session:
            return Fetch(session, study, report, stopped, spool=self.spool()).run()

    def send(
        self, peer: Peer, items: Sequence[TransferItem], report: Callable[[Outcome], None], stopped: Stopped
    ) -> None:
        """As `Link`."""
        from appliance.dicomweb.store import Store

        with self._session(peer) as session:
            Store(session, items, report, stopped, blobs=self.blobs, scratch=self.scratch).run()

    @contextmanager
    def _session(self, peer: Peer) -> Iterator[Session]:
        from appliance.dicomweb.session import Session

        trusted = [each.pem for each in self.identity.trusted()]
        with Session(peer, self._secret(peer), trusted, self.limits) as session:
            yield session

    def _secret(self, peer: Peer) -> str:
        try:
            return self.secrets.of(peer)
        except NotFoundError as fault:
            raise PeerError(Fault.UNAUTHORIZED, f"{fault} {fault.hint}.") from fault
