"""Do archive and index belong together, and are the newest images whole?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain, islice
from operator import attrgetter

from appliance.box import Box
from appliance.dicom.model import Instance
from appliance.errors import IndexUnavailableError
from appliance.health.finding import Finding, Severity

_NEWEST = 200
"""Images whose files are looked at: a power cut or a failing disk shows on the newest first."""
_STRAY = 0.01
"""Files without a row, as a part of the rows, that are leftovers rather than a lost index."""


def check(box: Box) -> Iterator[Finding]:
    """The number of files against the rows, and the sizes of the newest files; reads none of them."""
    try:
        findings = [*_compared(box), *_damaged(box)]
    except IndexUnavailableError:
        return  # the check of the index tells it
    yield from findings or [Finding(Severity.OK, "archive", "Every image has its file, and the newest are whole.")]


def _compared(box: Box) -> Iterator[Finding]:
    """Counted in this order, so that neither the indexer nor a deletion at work makes a difference."""
    _, before = box.storage.studies.count()
    files = sum(name.endswith(".dcm") for _, _, names in os.walk(box.data_dir / "archive") for name in names)
    waiting = len(box.spool("doctor").waiting())  # these may have their file, and no row yet
    _, rows = box.storage.studies.count()
    stray, lost = files - waiting - rows, min(before, rows) - files
    if stray > rows * _STRAY:
        yield Finding(
            Severity.PROBLEM,
            "archive",
            f"The archive holds {files} images, but the index knows {rows}: nobody can find the others.",
            "They are safe. Stop the indexer and run `pacsbox reindex`.",
        )
    elif stray > 0:
        yield Finding(Severity.NOTE, "archive", f"{stray} files of the archive are not in the index.")
    if lost > 0:
        yield Finding(
            Severity.PROBLEM,
            "archive",
            f"{lost} of {rows} images have lost their file.",
            "Bring the archive's folder back from a backup, or have the studies sent again; look at the disk, too.",
        )


def _damaged(box: Box) -> Iterator[Finding]:
    bad = [fault for instance in _newest(box) if (fault := _fault(box, instance))]
    if bad:
        yield Finding(
            Severity.PROBLEM,
            "archive",
            f"{len(bad)} of the newest images are damaged: in the archive, {bad[0]}.",
            "Bring them back from a backup, or have their studies sent again; look at the disk, too.",
        )


def _newest(box: Box) -> Iterator[Instance]:
    studies = box.storage.studies
    recent = (studies.instances(study.study_instance_uid) for study in studies.search("", _NEWEST))
    by_arrival = (sorted(instances, key=attrgetter("received"), reverse=True) for instances in recent)
    return islice(chain.from_iterable(by_arrival), _NEWEST)


def _fault(box: Box, instance: Instance) -> str:
    """What is wrong with the instance's file, empty when nothing is."""
    try:
        size = box.blobs.path(instance.blob_key).stat().st_size
    except FileNotFoundError:
        return f"{instance.blob_key} is missing"
    except OSError as fault:
        return f"{instance.blob_key} cannot be read: {fault.strerror}"
    return "" if size == instance.size else f"{instance.blob_key} has {size} bytes and should have {instance.size}"
