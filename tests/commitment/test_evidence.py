"""What we commit to: only what is indexed, and whose file is whole."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest

from appliance import events
from appliance.box import Box
from appliance.commitment.evidence import Evidence, File, failure
from appliance.commitment.messages import Failure
from appliance.dicom.model import Origin
from appliance.storage.rows import Commitment, Held, Reference
from tests.conftest import Fill
from tests.support.files import brainix
from tests.support.scp import uids

MR = "1.2.840.10008.5.1.4.1.1.4"
HELD = Held(MR, "key", 100, "digest")


@pytest.mark.parametrize(
    ("sop_class", "held", "file", "why"),
    [
        (MR, HELD, File.SOUND, None),
        (MR, None, File.GONE, Failure.NO_SUCH_INSTANCE),
        (MR, HELD, File.GONE, Failure.NO_SUCH_INSTANCE),
        (MR, HELD, File.DAMAGED, Failure.PROCESSING),
        ("1.2.840.10008.5.1.4.1.1.2", HELD, File.SOUND, Failure.CLASS_INSTANCE_CONFLICT),
    ],
)
def test_each_failure_has_its_reason(sop_class: str, held: Held | None, file: File, why: Failure | None) -> None:
    assert failure(Reference(sop_class, "1.2.3"), held, file) == why


def evidence(box: Box, read: int = 1 << 30) -> Evidence:
    return Evidence(box.blobs, box.spool("test"), read)


def asked(box: Box, *paths: Path, duplicate: bool = False) -> Commitment:
    references = tuple(Reference(*uids(path)[:2]) for path in paths)
    mark = evidence(box).mark()
    return Commitment("1.2.9", "MODALITY", "PACSBOX", "127.0.0.1", references, "", mark, "", duplicate)


def keep(box: Box, path: Path) -> None:
    with path.open("rb") as file:
        box.spool("receiver").keep(file, Origin("C-STORE", "MODALITY", "PACSBOX", "127.0.0.1", events.now()))


def drain(box: Box) -> None:
    while box.indexer().drain_batch():
        pass


def blob(box: Box, path: Path) -> Path:
    uid = uids(path)[1]
    return box.blobs.path(box.storage.commitments.held([uid])[uid].blob_key)


def test_what_is_indexed_and_whole_is_kept(box: Box, fill: Fill) -> None:
    fill(brainix()[:3])
    report = evidence(box).report(box.storage, asked(box, *brainix()[:3]))
    assert report is not None
    assert report.all_kept
    assert len(report.kept) == 3


def test_what_waits_in_the_spool_is_waited_for(box: Box) -> None:
    keep(box, brainix()[0])
    commitment = asked(box, brainix()[0], brainix()[1])
    assert evidence(box).report(box.storage, commitment) is None
    drain(box)
    report = evidence(box).report(box.storage, commitment)
    assert report is not None
    assert [reference.sop_instance_uid for reference in report.kept] == [uids(brainix()[0])[1]]
    assert [reason for _, reason in report.failed] == [Failure.NO_SUCH_INSTANCE]


def test_what_comes_after_the_question_is_not_waited_for(box: Box, fill: Fill) -> None:
    fill(brainix()[:1])
    commitment = asked(box, brainix()[0])
    keep(box, brainix()[1])
    assert evidence(box).report(box.storage, commitment) is not None


def test_what_an_indexer_that_is_down_leaves_in_the_spool_is_neither_kept_nor_missing(box: Box) -> None:
    keep(box, brainix()[0])
    report = evidence(box).report(box.storage, asked(box, brainix()[0]), late=True)
    assert report is not None
    assert [reason for _, reason in report.failed] == [Failure.PROCESSING]


def test_a_file_that_is_gone_or_cut_short_is_not_kept(box: Box, fill: Fill) -> None:
    fill(brainix()[:2])
    gone, cut = (blob(box, path) for path in brainix()[:2])
    gone.unlink()
    cut.chmod(0o600)
    cut.write_bytes(cut.read_bytes()[:-10])
    report = evidence(box).report(box.storage, asked(box, *brainix()[:2]))
    assert report is not None
    assert [reason for _, reason in report.failed] == [Failure.NO_SUCH_INSTANCE] * 2


@pytest.mark.parametrize(("read", "kept"), [(1 << 30, 0), (0, 1)])
def test_a_file_with_other_bytes_is_found_out_within_the_budget(box: Box, fill: Fill, read: int, kept: int) -> None:
    fill(brainix()[:1])
    file = blob(box, brainix()[0])
    data = bytearray(file.read_bytes())
    data[-100] ^= 0xFF
    file.chmod(0o600)
    file.write_bytes(data)
    report = evidence(box, read).report(box.storage, asked(box, brainix()[0]))
    assert report is not None
    assert len(report.kept) == kept


def test_a_transaction_that_is_in_use_is_told_so_for_each_instance(box: Box, fill: Fill) -> None:
    fill(brainix()[:2])
    report = evidence(box).report(box.storage, asked(box, *brainix()[:2], duplicate=True))
    assert report is not None
    assert [reason for _, reason in report.failed] == [Failure.DUPLICATE_TRANSACTION] * 2


def test_an_instance_for_which_other_bytes_wait_is_not_committed_to_until_staff_decide(box: Box, fill: Fill) -> None:
    fill(brainix()[:1])
    twin = pydicom.dcmread(brainix()[0])
    twin.PatientComments = "another one"
    other = box.data_dir / "twin.dcm"
    twin.save_as(other)
    keep(box, other)
    drain(box)
    report = evidence(box).report(box.storage, asked(box, brainix()[0]))
    assert report is not None
    assert [reason for _, reason in report.failed] == [Failure.PROCESSING]
    spool = box.spool("test")
    for aside in spool.set_aside(spool.conflicts):
        spool.discard(aside)
    report = evidence(box).report(box.storage, asked(box, brainix()[0]))
    assert report is not None
    assert report.all_kept
