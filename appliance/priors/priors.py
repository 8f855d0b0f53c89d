"""Looking for studies at a peer, and fetching one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from appliance.dicom.uid import is_valid
from appliance.errors import NotFoundError
from appliance.peers.link import Link, Report, Stopped
from appliance.peers.peers import PeerBook
from appliance.priors import search
from appliance.priors.progress import Progress
from appliance.priors.search import RemoteStudy, Search
from appliance.storage.contract import Studies
from appliance.storage.rows import Peer

MOST = 500
"""Answers to a search; more are of no use to people."""


@dataclass(frozen=True)
class Priors:
    """Studies of peers. Raises `PeerError` wherever a peer is asked, `NotFoundError` for one that we don't know."""

    peers: PeerBook
    studies: Studies
    link: Link

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
        return self.link.fetch(theirs, found, report, stopped)

    def _asked(self, peer: Peer, wanted: Search) -> list[RemoteStudy]:
        for keys in wanted.ways():
            found = [search.remote_study(answer) for answer in self.link.find(peer, keys, MOST)]
            if found:
                break
        # Some peers take a key that they don't know for one that matches all.
        return [
            each
            for each in found
            if wanted.finds(each.patient_name) and wanted.study_instance_uid in ("", each.study_instance_uid)
        ]

    def _with_ours(self, found: Sequence[RemoteStudy]) -> list[RemoteStudy]:
        ours = {
            study.study_instance_uid: study.number_of_study_related_instances
            for study in self.studies.studies([each.study_instance_uid for each in found])
        }
        return [replace(each, here=ours.get(each.study_instance_uid, 0)) for each in found]
