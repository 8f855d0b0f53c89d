"""Looking for studies at a peer, and fetching one: by C-GET, or by C-MOVE to ourselves where it has no C-GET."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from appliance.dicom.uid import is_valid
from appliance.errors import NotFoundError
from appliance.peers.faults import Fault, PeerError
from appliance.peers.peers import PeerBook
from appliance.priors import search
from appliance.priors.progress import Progress
from appliance.priors.search import RemoteStudy, Search
from appliance.storage.contract import Studies
from appliance.storage.rows import Peer

MOST = 500
"""Answers to a search; more are of no use to people."""
_MOST_SERIES = 200
_NO_GET = frozenset((Fault.ABORTED, Fault.LOST, Fault.FAILED))

Report = Callable[[Progress], None]
Stopped = Callable[[], bool]


class Find(Protocol):
    """`dimse.client.find`, in the box."""

    def __call__(self, peer: Peer, keys: Mapping[str, str], *, level: str, most: int) -> Iterable[dict[str, str]]:
        """Answers by keyword. Raises `PeerError`."""


class Get(Protocol):
    """`dimse.client.get`, in the box."""

    def __call__(
        self, peer: Peer, study_instance_uid: str, sop_classes: Sequence[str], report: Report, stopped: Stopped
    ) -> Progress | None:
        """How it ended; None when the peer has no C-GET. Without `sop_classes`, of any. Raises `PeerError`."""


class Move(Protocol):
    """`dimse.client.move`, in the box."""

    def __call__(
        self, peer: Peer, study_instance_uid: str, patient_id: str, report: Report, stopped: Stopped
    ) -> Progress:
        """How it ended. Raises `PeerError`."""


@dataclass(frozen=True)
class Priors:
    """Studies of peers. Raises `PeerError` wherever a peer is asked, `NotFoundError` for one that we don't know."""

    peers: PeerBook
    studies: Studies
    find: Find
    get: Get
    move: Move

    def look(self, peer: str, wanted: Search) -> list[RemoteStudy]:
        """What `peer` has, newest first. Raises ValueError when `wanted` says nothing, or nothing that can be."""
        found = self._asked(self.peers.get(peer), wanted)
        return self._with_ours(search.newest_first(found))

    def of_patient(self, peer: str, study_instance_uid: str) -> list[RemoteStudy]:
        """What `peer` has of the patient of a study that is here, newest first."""
        known = self.studies.study(study_instance_uid)
        if known is None:
            raise NotFoundError("The study is not here any more.")
        theirs = self.peers.get(peer)
        found = [each for wanted in search.of_patient(known) for each in self._asked(theirs, wanted)]
        doubted = [replace(each, doubt=search.doubt(known, each)) for each in search.newest_first(found)]
        return self._with_ours(doubted)

    def fetch(self, peer: str, study_instance_uid: str, report: Report, stopped: Stopped) -> Progress:
        """Bring a study here from `peer`; `report` tells how it goes, `stopped` is asked now and then."""
        if not is_valid(study_instance_uid):
            raise ValueError(f"a Study Instance UID is digits and dots, not {study_instance_uid!r}")
        theirs = self.peers.get(peer)
        found = next(iter(self._asked(theirs, Search(study_instance_uid=study_instance_uid))), None)
        if found is None:
            raise NotFoundError(f"{theirs.name} has no such study.")
        classes = found.sop_classes or self._sop_classes(theirs, study_instance_uid)
        done = self._got(theirs, study_instance_uid, classes, report, stopped)
        if done is None:
            done = self.move(theirs, study_instance_uid, found.patient_id, report, stopped)
        return done

    def _got(
        self, peer: Peer, study_instance_uid: str, sop_classes: Sequence[str], report: Report, stopped: Stopped
    ) -> Progress | None:
        """By C-GET; None when the peer has none, or breaks off at once, as some do that allow none."""
        told: list[Progress] = []

        def tell(progress: Progress) -> None:
            told[:] = [progress]
            report(progress)

        try:
            return self.get(peer, study_instance_uid, sop_classes, tell, stopped)
        except PeerError as fault:
            if fault.fault not in _NO_GET or (told and told[0].arrived):
                raise
            return None

    def _asked(self, peer: Peer, wanted: Search) -> list[RemoteStudy]:
        for keys in wanted.ways():
            found = [search.remote_study(answer) for answer in self.find(peer, keys, level="STUDY", most=MOST)]
            if found:
                break
        # Some peers take a key that they don't know for one that matches all.
        return [
            each
            for each in found
            if wanted.finds(each.patient_name) and wanted.study_instance_uid in ("", each.study_instance_uid)
        ]

    def _sop_classes(self, peer: Peer, study_instance_uid: str) -> tuple[str, ...]:
        """Of a peer that doesn't say it of the study: those of the first image of each series."""
        study = {"StudyInstanceUID": study_instance_uid}
        series = self.find(peer, {**study, "SeriesInstanceUID": ""}, level="SERIES", most=_MOST_SERIES)
        classes = []
        for one in list(series):
            keys = {**study, "SeriesInstanceUID": one.get("SeriesInstanceUID", ""), "SOPClassUID": ""}
            keys["SOPInstanceUID"] = ""
            classes += [image.get("SOPClassUID", "") for image in self.find(peer, keys, level="IMAGE", most=1)]
        return tuple(dict.fromkeys(filter(is_valid, classes)))

    def _with_ours(self, found: Sequence[RemoteStudy]) -> list[RemoteStudy]:
        ours = {
            study.study_instance_uid: study.number_of_study_related_instances
            for study in self.studies.studies([each.study_instance_uid for each in found])
        }
        return [replace(each, here=ours.get(each.study_instance_uid, 0)) for each in found]
