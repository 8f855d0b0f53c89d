"""From the spool into archive and index."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from appliance import events
from appliance.archive.index import _rest, blob_key
from appliance.box import Box
from appliance.dicom import header as headers
from appliance.dicom.model import Origin
from appliance.errors import IndexUnavailableError
from tests.conftest import Fill
from tests.support.files import ROOT, brainix, knee
from tests.support.indexing import indexing
from tests.support.waiting import wait_for


def changed(source: Path, target: Path, **values: str) -> Path:
    dataset = dcmread(source)
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.save_as(target)
    return target


def blobs(box: Box) -> list[str]:
    return list(box.blobs.keys())


def test_a_study_arrives_whole_and_byte_identical(box: Box, fill: Fill) -> None:
    fill(knee())
    (study,) = box.storage.studies.search("knee", 10)
    assert study.number_of_study_related_instances == 50
    digests = {headers.read(path).digest for path in knee()}
    kept = box.storage.studies.instances(study.study_instance_uid)
    assert {headers.read(box.blobs.path(instance.blob_key)).digest for instance in kept} == digests
    assert box.spool("receiver").waiting() == []


def test_rows_tell_where_an_instance_came_from(box: Box, fill: Fill) -> None:
    fill(knee()[:1])
    (study,) = box.storage.studies.search("", 1)
    (instance,) = box.storage.studies.instances(study.study_instance_uid)
    assert (instance.source_ae, instance.via) == ("MODALITY", "C-STORE")
    assert study.first_received == study.last_received == instance.received


def test_one_event_a_study_tells_of_the_batch(box: Box, fill: Fill) -> None:
    fill([*knee()[:3], *brainix()[:2]])
    news = [event for event in box.storage.events.since(0) if event.kind == events.STUDY_RECEIVED]
    assert sorted(event.detail["instances"] for event in news) == [2, 3]


def test_of_images_with_much_metadata_fewer_make_a_batch(box: Box, fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.archive.index._HELD", len(headers.read(knee()[0]).metadata) * 3 // 2)
    fill(knee()[:5])
    news = [event for event in box.storage.events.since(0) if event.kind == events.STUDY_RECEIVED]
    assert [event.detail["instances"] for event in news] == [2, 2, 1]
    assert box.spool("receiver").waiting() == []


def test_the_same_bytes_again_change_nothing(box: Box, fill: Fill) -> None:
    fill(knee()[:3])
    before = blobs(box)
    fill(knee()[:3])
    fill([knee()[4], knee()[4]])
    assert box.storage.studies.count() == (1, 4)
    assert len(blobs(box)) == len(before) + 1
    assert box.spool("receiver").set_aside(box.spool("receiver").conflicts) == []


def test_other_bytes_under_the_same_uid_are_kept_as_a_conflict(box: Box, fill: Fill, tmp_path: Path) -> None:
    fill(knee()[:1])
    newcomer = changed(knee()[0], tmp_path / "other.dcm", StudyDescription="SOMETHING ELSE")
    fill([newcomer])
    spool = box.spool("receiver")
    (aside,) = spool.set_aside(spool.conflicts)
    assert aside.sop_instance_uid == headers.read(newcomer).uids[2]
    assert headers.read(aside.entry.path).digest == headers.read(newcomer).digest
    (study,) = box.storage.studies.search("", 10)
    assert study.study_description == "IRM DU GENOU"
    assert box.storage.events.since(0)[-1].kind == events.INSTANCE_CONFLICT


def test_an_image_of_another_patient_never_joins_a_study(box: Box, fill: Fill, tmp_path: Path) -> None:
    fill(knee()[:1])
    fill([changed(knee()[1], tmp_path / "other.dcm", PatientID="999", PatientName="Somebody^Else")])
    spool = box.spool("receiver")
    assert "another patient" in spool.set_aside(spool.conflicts)[0].reason
    assert box.storage.studies.count() == (1, 1)


def test_two_patients_in_one_batch_do_not_share_a_study_either(box: Box, fill: Fill, tmp_path: Path) -> None:
    fill([knee()[0], changed(knee()[1], tmp_path / "other.dcm", PatientID="999", PatientName="Somebody^Else")])
    assert box.storage.studies.count() == (1, 1)


def test_a_study_without_names_takes_the_first_patient_and_no_second(box: Box, fill: Fill, tmp_path: Path) -> None:
    blank = {"PatientID": "", "PatientName": "", "PatientBirthDate": ""}
    jane = {"PatientID": "1", "PatientName": "Doe^Jane", "PatientBirthDate": "19800101"}
    richard = {"PatientID": "2", "PatientName": "Roe^Richard", "PatientBirthDate": "19500101"}
    people = enumerate((blank, jane, richard))
    fill([changed(knee()[n], tmp_path / f"{n}.dcm", **person) for n, person in people])
    assert box.storage.studies.count() == (1, 2)
    assert box.storage.studies.search("", 1)[0].patient_name == "Doe^Jane"


def test_an_image_that_the_archive_lost_is_taken_again(box: Box, fill: Fill) -> None:
    fill(knee()[:2])
    lost, cut = sorted(box.blobs.keys())
    box.blobs.remove(lost)
    os.truncate(box.blobs.path(cut), 1000)
    fill([*knee()[:2], *knee()[:2]])
    rows = box.storage.studies.instances(box.storage.studies.search("", 1)[0].study_instance_uid)
    assert [headers.read(box.blobs.path(row.blob_key)).digest for row in rows] == [row.digest for row in rows]
    assert box.storage.studies.count() == (1, 2)


def test_where_the_index_has_no_digest_the_file_tells_whether_it_is_the_same(
    box: Box, fill: Fill, tmp_path: Path
) -> None:
    fill(knee()[:3])
    with box.storage.transaction():
        box.storage._db.conn.execute("UPDATE instance SET digest = x''")  # type: ignore[attr-defined]
    box.blobs.remove(max(box.blobs.keys()))
    fill([knee()[0], changed(knee()[1], tmp_path / "other.dcm", StudyDescription="OTHER"), knee()[2]])
    spool = box.spool("receiver")
    (aside,) = spool.set_aside(spool.conflicts)
    assert aside.sop_instance_uid == headers.read(knee()[1]).uids[2]
    assert box.storage.studies.count() == (1, 3)
    assert len(blobs(box)) == 3


def test_a_data_folder_that_was_copied_between_link_and_commit_goes_on(box: Box, fill: Fill) -> None:
    with knee()[0].open("rb") as file:
        entry = box.spool("receiver").keep(file, Origin("upload", received=events.now()))
    key = blob_key(headers.read(entry.path).uids[0], entry)
    assert box.storage
    box.blobs.link(key, entry.path)
    copy = entry.path.with_suffix(".copy")
    shutil.copyfile(entry.path, copy)
    copy.replace(entry.path)
    fill([])
    assert box.storage.studies.count() == (1, 1)


def test_what_cannot_be_indexed_is_rejected_with_its_reason_and_told(box: Box) -> None:
    spool = box.spool("receiver")
    with spool.keeping(b"\0" * 128 + b"DICM") as keeping:
        keeping.commit()
    assert box.indexer().drain_batch() == 1
    (aside,) = spool.set_aside(spool.rejected)
    assert "transfer syntax" in aside.reason
    assert box.storage.events.since(0)[-1].kind == events.INSTANCE_REJECTED
    assert spool.waiting() == []


def test_it_runs_until_it_is_stopped(box: Box) -> None:
    with indexing(box):
        bring(box, knee()[0])
        wait_for(lambda: box.storage.studies.count() == (1, 1))


def bring(box: Box, path: Path) -> None:
    """Into the spool, for an indexer that is at work, or will be."""
    with path.open("rb") as file:
        box.spool("receiver").keep(file, Origin("upload", received=events.now()))


def test_a_broken_index_is_waited_for_and_nothing_is_lost(
    box: Box, fill: Fill, caplog: pytest.LogCaptureFixture
) -> None:
    box.close()
    box.index_path.write_bytes(b"broken" * 1000)
    bring(box, knee()[0])
    with indexing(box):
        wait_for(lambda: "is damaged" in caplog.text)
        assert len(box.spool("receiver").waiting()) == 1
        box.index_path.unlink()
        wait_for(lambda: not box.spool("receiver").waiting())
    assert box.storage.studies.count() == (1, 1)


def test_an_index_that_was_moved_away_is_rebuilt_and_goes_on(box: Box, fill: Fill) -> None:
    fill(knee()[:2])
    for path in box.index_path.parent.iterdir():
        path.rename(path.with_name(path.name + ".old"))
    bring(box, knee()[2])
    with pytest.raises(IndexUnavailableError, match="missing, though"):
        assert box.storage
    with indexing(box):
        wait_for(lambda: not box.spool("receiver").waiting())
    assert box.storage.studies.count() == (1, 3)


def test_one_poisonous_file_does_not_keep_others_from_the_index(
    box: Box, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, poison = headers.read, headers.read(knee()[0]).digest

    def dying(path: Path, *given: Any) -> headers.Header:
        header = read(path, *given)
        if header.digest == poison:
            raise RecursionError
        return header

    monkeypatch.setattr(headers, "read", dying)
    fill(knee()[:3])
    assert box.storage.studies.count() == (1, 2)
    spool = box.spool("receiver")
    assert spool.set_aside(spool.rejected)[0].reason == "it could not be read (RecursionError)"


def test_a_full_disk_is_waited_for(box: Box, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    full = threading.Event()
    full.set()
    link = os.link

    def refusing(source: Path, target: Path) -> None:
        if full.is_set():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        link(source, target)

    monkeypatch.setattr(os, "link", refusing)
    bring(box, knee()[0])
    with indexing(box):
        wait_for(lambda: "does not let the indexer work" in caplog.text)
        full.clear()
        wait_for(lambda: not box.spool("receiver").waiting())
    assert box.storage.studies.count() == (1, 1)


@pytest.mark.timeout(600)
def test_kill_9_at_any_instruction_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Every step of a batch is a place to die; see the script for how it dies there."""
    script = Path(__file__).with_name("kill_at_every_step.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), *map(str, [*knee()[:2], brainix()[0]])],
        capture_output=True,
        text=True,
        timeout=500,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    kills = int(done.stdout.split()[-1])
    assert kills > 50


@pytest.mark.parametrize(("entries", "seconds"), [(0, 0.05), (1, 0.05), (2, 0.05), (3, 0.2), (199, 0.2), (200, 0)])
def test_a_stream_is_gathered_and_a_backlog_is_not_waited_for(entries: int, seconds: float) -> None:
    assert _rest(entries) == seconds
