"""What is new in the list of studies since it was last read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance import events
from appliance.box import Box
from appliance.dicom.model import Study
from tui.dates import searchable

CHUNK = 200
"""Studies that are read at a time."""
_EVENTS = 1000
_OVERLAP = 10
"""Studies that are read again, so that none is missed when others vanish meanwhile."""


@dataclass(frozen=True)
class News:
    """What one reading brought."""

    seq: int
    """Number of the newest event that it knows of."""
    studies: Sequence[Study]
    gone: frozenset[str]
    complete: bool
    """Whether there is nothing beyond these studies."""
    afresh: bool
    """Whether everything that was read before is to be forgotten."""


def read(box: Box, text: str, seq: int | None, known: int, more: bool) -> News:
    """Studies in which `text` occurs: all that is new since event `seq`, and with `more` those after the `known` first.

    `seq` None asks for everything afresh.
    """
    text = searchable(text)
    last = box.storage.events.last()
    # An index that was made again counts its events anew.
    news = box.storage.events.since(seq, _EVENTS) if seq is not None and seq <= last else None
    touched = {event.study_instance_uid for event in news or () if event.kind.startswith("study.")}
    if news is None or len(news) == _EVENTS or len(touched) >= CHUNK:
        found = box.storage.studies.search(text, CHUNK)
        return News(last, found, frozenset(), len(found) < CHUNK, afresh=True)
    # Whatever arrived has the newest arrival, so that it is among the first.
    found = box.storage.studies.search(text, CHUNK) if touched else []
    back = min(known, _OVERLAP)
    further = box.storage.studies.search(text, CHUNK + back, known - back) if more else []
    deleted = {event.study_instance_uid for event in news if event.kind == events.STUDY_DELETED}
    gone = frozenset(deleted - {study.study_instance_uid for study in (*found, *further)})
    complete = more and len(further) < CHUNK + back
    return News(news[-1].seq if news else last, [*found, *further], gone, complete, afresh=False)
