"""The doctor compares archive and index, and looks at the newest files."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from appliance.box import Box
from appliance.health import archive
from appliance.health.finding import Finding, Severity
from appliance.storage.sqlite.store import SqliteStorage
from tests.conftest import Fill
from tests.support.files import brainix, knee


@pytest.fixture
def files(box: Box, fill: Fill) -> list[Path]:
    """The archive's files of two studies."""
    fill([*brainix()[:4], *knee()[:3]])
    return sorted((box.data_dir / "archive").rglob("*.dcm"))


def found(box: Box) -> Finding:
    (finding,) = archive.check(box)
    return finding


def test_an_archive_with_all_its_rows_is_well(box: Box, files: list[Path]) -> None:
    assert found(box).severity is Severity.OK


def test_an_empty_box_is_well(box: Box) -> None:
    assert found(box).severity is Severity.OK


def test_a_new_index_over_an_old_archive_is_a_problem(box: Box, files: list[Path], fill: Fill) -> None:
    box.close()
    for path in box.index_path.parent.iterdir():
        path.unlink()
    SqliteStorage(box.index_path).close()
    assert (found(box).severity, "7 images, but the index knows 0" in found(box).says) == (Severity.PROBLEM, True)
    assert "pacsbox reindex" in found(box).advice
    fill(brainix()[4:6])
    assert "9 images, but the index knows 2" in found(box).says


def test_images_that_the_indexer_is_about_to_enter_are_no_problem(box: Box, files: list[Path]) -> None:
    waiting = box.spool("receiver").new / "00000000000000000001-aa.dcm"
    waiting.write_bytes(b"")
    os.link(waiting, files[0].with_name(waiting.name))
    assert found(box).severity is Severity.OK


def test_a_few_leftovers_among_many_are_noted(box: Box, files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_STRAY", 0.5)
    files[0].with_name("00000000000000000001-aa.dcm").write_bytes(b"")
    assert found(box).severity is Severity.NOTE


def test_a_short_file_among_the_newest_is_named(box: Box, files: list[Path]) -> None:
    os.truncate(files[2], 100)
    assert found(box).severity is Severity.PROBLEM
    assert f"{files[2].name} has 100 bytes and should have" in found(box).says


def test_a_missing_file_is_counted_and_named(box: Box, files: list[Path]) -> None:
    files[2].unlink()
    counted, named = archive.check(box)
    assert counted.says == "1 of 7 images have lost their file."
    assert f"{files[2].name} is missing" in named.says


def test_an_index_that_is_damaged_is_the_index_checks_to_tell(box: Box) -> None:
    box.index_path.write_bytes(b"broken" * 1000)
    assert list(archive.check(box)) == []


def test_many_files_are_counted_fast(box: Box) -> None:
    assert box.storage
    source = box.data_dir / "source.dcm"
    source.write_bytes(b"")
    for folder in range(50):
        there = box.data_dir / "archive" / f"{folder:02x}" / f"{folder:032x}"
        there.mkdir(parents=True)
        for number in range(200):
            os.link(source, there / f"{number:04}-aa.dcm")
    start = time.thread_time()  # of others on this machine it says nothing
    assert "10000 images" in found(box).says
    assert time.thread_time() - start < 1
