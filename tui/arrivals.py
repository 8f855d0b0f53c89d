"""The order of the worklist: newest arrival first, and nothing jumps while images come in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from appliance.dicom.model import Study, moment

PAUSE = timedelta(minutes=5)
"""Images that come after a longer silence bring their study to the top again."""


class Arrivals:
    """The studies that were loaded.

    Two studies that arrive at the same time would change places with every image; so a study keeps the place
    of its first image until it has been silent for `PAUSE`.
    """

    def __init__(self) -> None:
        self._studies: dict[str, Study] = {}
        self._places: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._studies)

    def take(self, studies: Iterable[Study]) -> None:
        """Bring in studies, new or changed."""
        for study in studies:
            uid = study.study_instance_uid
            known = self._studies.get(uid)
            if known is None or _paused(known, study):
                self._places[uid] = study.last_received
            self._studies[uid] = study

    def forget(self, study_instance_uids: Iterable[str]) -> None:
        """Studies that are not on the box any more."""
        for uid in study_instance_uids:
            self._studies.pop(uid, None)
            self._places.pop(uid, None)

    def ordered(self) -> list[Study]:
        """Newest arrival first."""
        return sorted(self._studies.values(), key=lambda study: self._places[study.study_instance_uid], reverse=True)


def _paused(known: Study, study: Study) -> bool:
    if not known.last_received or study.last_received <= known.last_received:
        return False
    return moment(study.last_received) - moment(known.last_received) > PAUSE
