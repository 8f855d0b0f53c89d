"""The zip that is made while it is sent."""

from __future__ import annotations

import subprocess
import tracemalloc
from datetime import datetime
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest

from appliance.shares import bundle
from appliance.shares.bundle import zipped

NOON = datetime(2024, 5, 17, 12, 30, 8)  # noqa: DTZ001 - a zip's times have no zone


def test_it_unpacks_to_the_same_bytes_names_and_times(tmp_path: Path) -> None:
    contents = {"SERIES01/IM00001.dcm": b"a" * 700_000, "SERIES01/IM00002.dcm": b"", "SERIES02/IM00001.dcm": b"xyz"}
    files = []
    for number, (name, content) in enumerate(contents.items()):
        path = tmp_path / str(number)
        path.write_bytes(content)
        files.append((name, path, NOON))
    body = b"".join(zipped(files))
    with ZipFile(BytesIO(body)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == contents
        assert {entry.date_time for entry in archive.infolist()} == {(2024, 5, 17, 12, 30, 8)}
    (tmp_path / "all.zip").write_bytes(body)
    done = subprocess.run(["python3", "-m", "zipfile", "-t", tmp_path / "all.zip"], capture_output=True, check=False)
    assert done.returncode == 0


def test_nothing_in_it_is_still_a_zip() -> None:
    with ZipFile(BytesIO(b"".join(zipped([])))) as archive:
        assert archive.namelist() == []


def test_memory_does_not_grow_with_the_study(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(200 << 20)
    tracemalloc.start()
    length = sum(len(chunk) for chunk in zipped([("LARGE.dcm", path, NOON)]))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert length > 200 << 20
    assert peak < 4 << 20


def test_files_beyond_the_old_limit_are_marked_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "_ZIP64_FROM", 10)
    path = tmp_path / "large"
    path.write_bytes(b"z" * 1000)
    with ZipFile(BytesIO(b"".join(zipped([("LARGE.dcm", path, NOON)])))) as archive:
        assert archive.getinfo("LARGE.dcm").extract_version == 45
        assert archive.read("LARGE.dcm") == b"z" * 1000


def test_a_file_that_is_gone_ends_it_with_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(zipped([("A.dcm", tmp_path / "gone", NOON)]))


def test_a_note_stands_before_the_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    with ZipFile(BytesIO(b"".join(zipped([("A.dcm", tmp_path / "a", NOON)], "One is missing.")))) as archive:
        assert archive.namelist() == ["NOTE.TXT", "A.dcm"]
        assert archive.read("NOTE.TXT") == b"One is missing."
