"""The index rebuilt from the archive ends with the same rows."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from appliance.archive.reindex import reindex
from appliance.box import Box
from appliance.dicom import header as headers
from tests.conftest import Fill
from tests.support.files import PYDICOM, brainix, knee

_ROWS = {
    "study": "SELECT * FROM study ORDER BY study_instance_uid",
    "series": "SELECT series.*, study_instance_uid FROM series JOIN study ON study.id = study_ref"
    " ORDER BY series_instance_uid",
    "instance": "SELECT instance.*, series_instance_uid, primer IS NULL, deflated FROM instance"
    " JOIN series ON series.id = series_ref JOIN metadata ON instance_id = instance.id ORDER BY sop_instance_uid",
    "text": "SELECT study_instance_uid, text FROM study_text JOIN study ON study.id = study_text.rowid"
    " ORDER BY study_instance_uid",
    "share": "SELECT * FROM share",
    "peer": "SELECT * FROM peer",
}


def rows(box: Box) -> dict[str, list[dict[str, object]]]:
    """All that the index knows, without its own numbers."""
    connection = sqlite3.connect(box.index_path)
    connection.row_factory = sqlite3.Row
    found = {table: [_told(row) for row in connection.execute(sql)] for table, sql in _ROWS.items()}
    connection.close()
    return found


def _told(row: sqlite3.Row) -> dict[str, object]:
    return {key: row[key] for key in row.keys() if key not in ("id", "study_ref", "series_ref")}  # noqa: SIM118


def filled(box: Box, fill: Fill) -> None:
    fill([*knee(), *brainix()[:5]])
    fill([PYDICOM / "test_files" / "CT_small.dcm", *brainix()[5:9]])
    box.peers.add("CLINIC-B", "CB", "127.0.0.1", 104)
    box.sharing.create(box.storage.studies.search("knee", 1)[0].study_instance_uid)


def test_it_ends_with_the_same_rows(box: Box, fill: Fill) -> None:
    filled(box, fill)
    before = rows(box)
    report = reindex(box.storage, box.blobs)
    assert (report.studies, report.instances, report.gone, report.faults) == (3, 60, 0, [])
    assert rows(box) == before


def test_a_lost_index_comes_back_but_for_what_only_it_knew(box: Box, fill: Fill) -> None:
    filled(box, fill)
    before = rows(box)
    box.close()
    for path in box.index_path.parent.iterdir():
        path.unlink()
    box.rebuild.run()
    assert {**rows(box), "share": [], "peer": []} == {**before, "share": [], "peer": []}


def test_studies_without_files_are_forgotten_and_damaged_files_named(box: Box, fill: Fill) -> None:
    filled(box, fill)
    lost = box.storage.studies.search("knee", 1)[0]
    for instance in box.storage.studies.instances(lost.study_instance_uid):
        box.blobs.remove(instance.blob_key)
    (ct,) = box.storage.studies.search("compressedsamples", 1)
    path: Path = box.blobs.path(box.storage.studies.instances(ct.study_instance_uid)[0].blob_key)
    path.write_bytes(b"rotten")
    report = reindex(box.storage, box.blobs)
    assert report.gone == 2
    assert len(report.faults) == 1
    assert "not a DICOM file" in report.faults[0]
    assert path.exists()


def test_a_file_that_was_cut_is_named_and_taken_again_when_it_comes(box: Box, fill: Fill) -> None:
    fill(knee()[:2])
    before = rows(box)
    cut = box.blobs.path(min(box.blobs.keys()))
    os.truncate(cut, cut.stat().st_size - 1000)
    report = reindex(box.storage, box.blobs)
    assert [fault.partition(": ")[2] for fault in report.cut] == [
        f"it has {cut.stat().st_size} bytes and should have {cut.stat().st_size + 1000}"
    ]
    assert rows(box)["study"] == before["study"]
    fill(knee()[:1])
    assert reindex(box.storage, box.blobs).instances == 2
    healed = box.storage.studies.instances(box.storage.studies.search("", 1)[0].study_instance_uid)
    assert [each.digest for each in healed] == [headers.read(box.blobs.path(each.blob_key)).digest for each in healed]
    assert box.spool("tests").set_aside(box.spool("tests").conflicts) == []
