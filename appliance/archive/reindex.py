"""The index rebuilt from the archive: what was received is in the files, whatever became of the rows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby

from appliance import events
from appliance.archive.origins import by_source
from appliance.dicom import header as headers
from appliance.dicom.charset import Given
from appliance.dicom.header import Header
from appliance.errors import UnreadableInstanceError
from appliance.storage.contract import Blobs, Storage

log = logging.getLogger(__name__)


@dataclass
class Report:
    """What a rebuild found."""

    studies: int = 0
    instances: int = 0
    gone: int = 0
    """Studies in the old index of which the archive has no file."""
    faults: list[str] = field(default_factory=list)
    """Files that could not be entered, with the reason; they stay where they are."""
    cut: list[str] = field(default_factory=list)
    """Files that are shorter than they were when they came."""
    made_anew: bool = False
    """The index was missing or damaged: all else in it came back from a snapshot, or is lost."""
    restored: datetime | None = None
    """When that snapshot was taken; None if there was none."""


def reindex(
    storage: Storage,
    blobs: Blobs,
    progress: Callable[[Report], None] = lambda report: None,
    report: Report | None = None,
) -> Report:
    """Make study, series and instance rows anew from the archive's files; all else in the index stays.

    One transaction a study: who looks meanwhile sees each study whole, old or new. The indexer must not
    run at the same time. Running it twice, or again after a kill, ends with the same rows.
    """
    report = report or Report()
    seen: set[str] = set()
    given = by_source(storage.peers.all())
    for _, keys in groupby(blobs.keys(), key=lambda key: key.rpartition("/")[0]):
        # Within a folder names sort by arrival, so that "the first image names the study" holds again.
        found = list(_readable(blobs, list(keys), report, given))
        for uid in dict.fromkeys(header.uids[0] for _, header in found):
            seen.add(uid)
            _enter(storage, uid, [(key, header) for key, header in found if header.uids[0] == uid], report)
            progress(report)
    _forget(storage, [uid for uid in storage.studies.study_uids() if uid not in seen], report)
    return report


def _readable(
    blobs: Blobs, keys: list[str], report: Report, given: Callable[[str], Given]
) -> Iterator[tuple[str, Header]]:
    for key in keys:
        try:
            yield key, _whole(key, headers.read(blobs.path(key), given), report)
        except (UnreadableInstanceError, OSError) as fault:
            report.faults.append(f"{key}: {fault}")


def _whole(key: str, header: Header, report: Report) -> Header:
    """`header` as the index is to have it. A file that was cut is entered as lost: when it comes again it is taken."""
    if not header.whole_size or header.whole_size == header.size:
        return header
    report.cut.append(f"{key}: it has {header.size} bytes and should have {header.whole_size}")
    return replace(header, size=header.whole_size, digest="")


def _enter(storage: Storage, study_uid: str, found: list[tuple[str, Header]], report: Report) -> None:
    with storage.transaction():
        storage.studies.remove_study(study_uid)
        known = set(storage.studies.kept([header.uids[2] for _, header in found]))
        new: list[tuple[Header, str]] = []
        for key, header in sorted(found, key=lambda each: not each[1].digest):  # a whole one before one that was cut
            if header.uids[2] in known:
                report.faults.append(f"{key}: its SOP Instance UID is in the archive twice")
                continue
            known.add(header.uids[2])
            new.append((header, key))
        storage.studies.add(new)
        report.instances += len(new)
        storage.events.add(events.STUDY_RECEIVED, study_uid, instances=0)
    report.studies += 1


def _forget(storage: Storage, uids: list[str], report: Report) -> None:
    for uid in uids:
        with storage.transaction():
            storage.studies.remove_study(uid)
            storage.events.add(events.STUDY_DELETED, uid)
        report.gone += 1
