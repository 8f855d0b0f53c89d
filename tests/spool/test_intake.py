"""DICOM files as their bytes come, in pieces of any size."""

from __future__ import annotations

import errno
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.dicom import header, part10
from appliance.dicom.model import Origin
from appliance.errors import StorageFullError
from appliance.spool.fate import Fate, fate
from appliance.spool.intake import Intake, Kept, Refusal, RefusedError
from appliance.spool.spool import Keeping, Spool
from tests.support.files import PYDICOM

ORIGIN = Origin("STOW-RS", address="192.0.2.7", received="2024-01-01T00:00:00.000+00:00")


def sample(name: str) -> bytes:
    return next(PYDICOM.rglob(name)).read_bytes()


def data_set(file: bytes) -> bytes:
    return file[part10.read(BytesIO(file)).length :]


def take(spool: Spool, file: bytes, size: int = 1 << 20, study: str = "") -> Kept:
    intake = Intake(spool, ORIGIN, study)
    try:
        for start in range(0, len(file), size):
            intake.write(file[start : start + size])
        return intake.finish()
    finally:
        intake.discard()


def left(spool: Spool) -> list[Path]:
    return [path for path in spool.root.rglob("*") if path.is_file()]


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path, "stow")


@pytest.mark.parametrize("size", [1, 7, 131, 4096, 1 << 20])
def test_the_data_set_is_kept_as_it_came_behind_a_header_of_ours(spool: Spool, size: int) -> None:
    file = sample("CT_small.dcm")
    kept = take(spool, file, size)
    assert data_set(kept.entry.path.read_bytes()) == data_set(file)
    found = header.read(kept.entry.path)
    assert found.origin == ORIGIN
    assert found.uids == (kept.study_instance_uid, kept.series_instance_uid, kept.sop_instance_uid)
    assert left(spool) == [kept.entry.path]


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(cuts=st.lists(st.integers(0, 39_000), max_size=8))
def test_where_the_pieces_end_does_not_matter(tmp_path_factory: pytest.TempPathFactory, cuts: list[int]) -> None:
    spool = Spool(tmp_path_factory.mktemp("spool"), "stow")
    file = sample("CT_small.dcm")
    intake = Intake(spool, ORIGIN)
    places = [0, *sorted(cuts), len(file)]
    for start, stop in pairwise(places):
        intake.write(file[start:stop])
    kept = intake.finish()
    intake.discard()
    assert data_set(kept.entry.path.read_bytes()) == data_set(file)


@pytest.mark.parametrize("name", ["rtdose.dcm", "chrJapMulti.dcm"])
def test_a_header_that_names_another_instance_is_written_anew(spool: Spool, name: str) -> None:
    file = sample(name)
    dataset = pydicom.dcmread(BytesIO(file))
    assert dataset.file_meta.MediaStorageSOPInstanceUID != dataset.SOPInstanceUID
    kept = take(spool, file)
    with kept.entry.path.open("rb") as opened:
        meta = part10.read(opened)
    assert (meta.sop_class_uid, meta.sop_instance_uid) == (dataset.SOPClassUID, dataset.SOPInstanceUID)
    assert data_set(kept.entry.path.read_bytes()) == data_set(file)
    assert left(spool) == [kept.entry.path]


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"no DICOM",
        bytes(300_000),
        bytes(128) + b"DICM",
        bytes(128) + b"DICM" + b"\2\0\1\0OB\0\0\xff\xff\xff\x7f" + bytes(100),
        sample("CT_small.dcm")[:200],
        sample("CT_small.dcm")[:700],
        sample("no_meta.dcm"),
        sample("rtplan_truncated.dcm")[:500],
    ],
)
def test_what_is_no_instance_is_refused_and_leaves_nothing(spool: Spool, file: bytes) -> None:
    with pytest.raises(RefusedError) as fault:
        take(spool, file)
    assert fault.value.refusal is Refusal.UNREADABLE
    assert left(spool) == []


def test_what_is_of_another_study_is_refused_by_its_name_in_the_data_set(spool: Spool) -> None:
    dataset = pydicom.dcmread(BytesIO(sample("CT_small.dcm")))
    assert take(spool, sample("CT_small.dcm"), study=dataset.StudyInstanceUID)
    with pytest.raises(RefusedError) as fault:
        take(spool, sample("MR_small.dcm"), study=dataset.StudyInstanceUID)
    assert fault.value.refusal is Refusal.OTHER_STUDY
    assert fault.value.sop_instance_uid == pydicom.dcmread(BytesIO(sample("MR_small.dcm"))).SOPInstanceUID
    assert len(left(spool)) == 1


def test_a_disk_that_fills_up_midway_is_said_so_and_leaves_nothing(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = Keeping.write

    def full(keeping: Keeping, chunk: bytes) -> int:
        if len(chunk) > 10_000:
            raise OSError(errno.ENOSPC, "full")
        return written(keeping, chunk)

    monkeypatch.setattr(Keeping, "write", full)
    with pytest.raises(StorageFullError):
        take(spool, sample("CT_small.dcm"), 20_000)
    assert left(spool) == []


def test_the_fate_of_an_entry_is_where_it_went(spool: Spool) -> None:
    one, two, three = (take(spool, sample("CT_small.dcm")).entry for _ in range(3))
    assert fate(spool, one) is Fate.WAITING
    spool.release(one)
    spool.reject(two, "why", "now")
    spool.conflict(three, "1.2", "why", "now")
    assert [fate(spool, each) for each in (one, two, three)] == [Fate.TAKEN, Fate.REJECTED, Fate.CONFLICT]
