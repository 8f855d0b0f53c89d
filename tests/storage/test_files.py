"""Blobs as files."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from appliance.storage.files import Files

KEY = "ab/" + "0" * 32 + "/0001-aa.dcm"


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "archive")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.dcm"
    path.write_bytes(b"bytes")
    return path


def test_a_link_brings_the_same_file_without_copying(files: Files, source: Path) -> None:
    files.link(KEY, source)
    files.sync([KEY])
    assert files.path(KEY).samefile(source)
    with files.open(KEY) as file:
        assert file.read() == b"bytes"


def test_linking_the_same_file_again_changes_nothing(files: Files, source: Path) -> None:
    files.link(KEY, source)
    files.link(KEY, source)
    assert list(files.keys()) == [KEY]


def test_another_file_never_takes_a_key(files: Files, source: Path, tmp_path: Path) -> None:
    files.link(KEY, source)
    (tmp_path / "other.dcm").write_bytes(b"other")
    with pytest.raises(FileExistsError):
        files.link(KEY, tmp_path / "other.dcm")


def test_where_links_cannot_be_the_file_is_copied_whole(
    files: Files, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_source: Path, _target: Path) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "link", refuse)
    files.link(KEY, source)
    assert files.path(KEY).read_bytes() == b"bytes"
    assert list(files.keys()) == [KEY]


def test_what_others_put_into_the_archive_is_passed_over(files: Files, source: Path) -> None:
    files.link(KEY, source)
    (files.root / "note.txt").write_text("do not delete")
    (files.root / KEY).with_name("IM0001.dcm").write_bytes(b"")
    assert list(files.keys()) == [KEY]


def test_it_tells_whether_the_bytes_are_there(files: Files, source: Path) -> None:
    assert not files.holds(KEY, 5)
    files.link(KEY, source)
    assert files.holds(KEY, 5)
    assert not files.holds(KEY, 6)


def test_files_that_are_all_there_have_names_and_others_none(files: Files, source: Path) -> None:
    files.link(KEY, source)
    assert files.names([(KEY, 6), (KEY, 5), (KEY.replace("0001", "0002"), 5)]) == [
        "",
        str(files.path(KEY)),
        "",
    ]


def test_removing_twice_changes_nothing_and_the_folder_goes_with_its_last_file(files: Files, source: Path) -> None:
    files.link(KEY, source)
    files.remove(KEY)
    files.remove(KEY)
    assert list(files.keys()) == []
    assert not (files.root / KEY).parent.exists()


def test_a_missing_file_is_said_so(files: Files) -> None:
    with pytest.raises(FileNotFoundError, match="the archive has no file"):
        files.path(KEY)


@pytest.mark.parametrize("key", ["../../etc/passwd", "ab/1.2.3/x.dcm", "", "/etc/passwd", KEY + "/.."])
def test_a_key_that_is_not_ours_is_refused(files: Files, key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        files.open(key)
    with pytest.raises(ValueError, match="not a key"):
        files.names([(key, 5)])


def test_a_batch_flushes_each_folder_once_and_new_ones_with_those_they_are_in(
    files: Files, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[Path] = []
    monkeypatch.setattr("appliance.storage.files.fsync_folder", flushed.append)
    keys = [f"ab/{'ab' * 16}/{number}.dcm" for number in range(3)]
    files.link(keys[0], source)
    files.link(keys[1], source)
    files.sync(keys[:2])
    inner = files.path(keys[0]).parent
    assert sorted(flushed) == [files.root, inner.parent, inner]
    flushed.clear()
    files.link(keys[2], source)
    files.sync(keys[2:])
    assert flushed == [inner]


def test_an_image_that_comes_while_its_study_is_deleted_makes_the_folder_anew(files: Files, source: Path) -> None:
    first, second = (f"ab/{'ab' * 16}/{number}.dcm" for number in range(2))
    files.link(first, source)
    files.sync([first])
    Files(files.root).remove(first)
    files.link(second, source)
    files.sync([second])
    assert files.path(second).samefile(source)
