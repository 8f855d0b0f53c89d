"""What we can ask of a peer, however it is spoken to: by DIMSE (`dimse.client.link`) or DICOMweb (`dicomweb.link`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from appliance.priors.progress import Progress
from appliance.priors.search import RemoteStudy
from appliance.storage.rows import Peer, TransferItem
from appliance.transfers.ledger import Outcome

Report = Callable[[Progress], None]
Stopped = Callable[[], bool]


@dataclass(frozen=True)
class Echo:
    """The peer answered."""

    milliseconds: float
    """From the call to the answer."""


class Link(Protocol):
    """Raises `PeerError` from every method: its words say what is wrong, its `fault` whether waiting may cure it."""

    def verify(self, peer: Peer) -> Echo:
        """Is it there, and does it let us in?"""

    def find(self, peer: Peer, keys: Mapping[str, str], most: int) -> Iterable[dict[str, str]]:
        """Its studies that match `keys` by keyword, at most so many, as text; keys without a value are asked for."""

    def fetch(self, peer: Peer, study: RemoteStudy, report: Report, stopped: Stopped) -> Progress:
        """Bring a study into the spool, telling by `report` how it goes; gives how it ended, early when `stopped`."""

    def send(
        self,
        peer: Peer,
        items: Sequence[TransferItem],
        report: Callable[[Outcome], None],
        stopped: Stopped,
    ) -> None:
        """Send `items`, `report` each as it is settled, ask `stopped` before each; both maybe from several threads."""


@dataclass(frozen=True)
class Links:
    """A `Link` to every peer: the one that fits."""

    dimse: Link
    dicomweb: Link

    def _to(self, peer: Peer) -> Link:
        return self.dicomweb if peer.url else self.dimse

    def verify(self, peer: Peer) -> Echo:
        """As `Link`."""
        return self._to(peer).verify(peer)

    def find(self, peer: Peer, keys: Mapping[str, str], most: int) -> Iterable[dict[str, str]]:
        """As `Link`."""
        return self._to(peer).find(peer, keys, most)

    def fetch(self, peer: Peer, study: RemoteStudy, report: Report, stopped: Stopped) -> Progress:
        """As `Link`."""
        return self._to(peer).fetch(peer, study, report, stopped)

    def send(
        self, peer: Peer, items: Sequence[TransferItem], report: Callable[[Outcome], None], stopped: Stopped
    ) -> None:
        """As `Link`."""
        self._to(peer).send(peer, items, report, stopped)
