"""Remote AEs as peers: `peers.link.Link`, by C-ECHO, C-FIND, C-STORE, and C-GET, or C-MOVE to ourselves without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.dicom.uid import is_valid
from appliance.dimse.client.echo import echo
from appliance.dimse.client.ourselves import Ourselves
from appliance.dimse.client.send import send
from appliance.peers.faults import Fault, PeerError
from appliance.peers.link import Echo, Report, Stopped
from appliance.priors import words
from appliance.priors.progress import Progress
from appliance.priors.search import RemoteStudy
from appliance.spool.spool import Spool
from appliance.storage.contract import Blobs
from appliance.storage.rows import Peer, TransferItem
from appliance.transfers.ledger import Outcome

_MOST_SERIES = 200
_NO_GET = frozenset((Fault.ABORTED, Fault.LOST, Fault.FAILED))


@dataclass(frozen=True)
class DimseLink:
    """What only queries and fetches need is loaded with the first of them."""

    ourselves: Callable[[], Ourselves]
    """Asked for each call anew: our title may change meanwhile."""
    blobs: Blobs
    scratch: Path
    associations: int
    """To one peer at a time, for sending."""
    spool: Callable[[], Spool]
    receives: Callable[[], bool]
    """Whether a peer may call us: our receiver runs."""

    def verify(self, peer: Peer) -> Echo:
        """As `Link`."""
        return echo(peer, self.ourselves())

    def find(self, peer: Peer, keys: Mapping[str, str], most: int) -> Iterator[dict[str, str]]:
        """As `Link`."""
        return self._find(peer, keys, "STUDY", most)

    def send(
        self, peer: Peer, items: Sequence[TransferItem], report: Callable[[Outcome], None], stopped: Stopped
    ) -> None:
        """As `Link`."""
        send(
            peer,
            items,
            report,
            stopped,
            ourselves=self.ourselves(),
            blobs=self.blobs,
            scratch=self.scratch,
            associations=self.associations,
        )

    def fetch(self, peer: Peer, study: RemoteStudy, report: Report, stopped: Stopped) -> Progress:
        """As `Link`."""
        from appliance.dimse.client.move import move

        classes = study.sop_classes or self._sop_classes(peer, study.study_instance_uid)
        done = self._got(peer, study.study_instance_uid, classes, report, stopped)
        if done is None:
            if not self.receives():
                raise PeerError(Fault.OURS, words.receiver_is_down(peer.name))
            done = move(peer, study.study_instance_uid, study.patient_id, report, stopped, ourselves=self.ourselves())
        return done

    def _got(
        self, peer: Peer, study_instance_uid: str, sop_classes: Sequence[str], report: Report, stopped: Stopped
    ) -> Progress | None:
        """By C-GET; None when the peer has none, or breaks off at once, as some do that allow none."""
        # Late: it checks what comes as the receiver does, whose library is slow to import.
        from appliance.dimse.client.get import get

        told: list[Progress] = []

        def tell(progress: Progress) -> None:
            told[:] = [progress]
            report(progress)

        try:
            return get(
                peer, study_instance_uid, sop_classes, tell, stopped, ourselves=self.ourselves(), spool=self.spool()
            )
        except PeerError as fault:
            if fault.fault not in _NO_GET or (told and told[0].arrived):
                raise
            return None

    def _sop_classes(self, peer: Peer, study_instance_uid: str) -> tuple[str, ...]:
        """Of a peer that doesn't say it of the study: those of the first image of each series."""
        study = {"StudyInstanceUID": study_instance_uid}
        series = self._find(peer, {**study, "SeriesInstanceUID": ""}, "SERIES", _MOST_SERIES)
        classes = []
        for one in list(series):
            keys = {**study, "SeriesInstanceUID": one.get("SeriesInstanceUID", ""), "SOPClassUID": ""}
            keys["SOPInstanceUID"] = ""
            classes += [image.get("SOPClassUID", "") for image in self._find(peer, keys, "IMAGE", 1)]
        return tuple(dict.fromkeys(filter(is_valid, classes)))

    def _find(self, peer: Peer, keys: Mapping[str, str], level: str, most: int) -> Iterator[dict[str, str]]:
        from appliance.dimse.client.find import find

        return find(peer, keys, level=level, most=most, ourselves=self.ourselves())
