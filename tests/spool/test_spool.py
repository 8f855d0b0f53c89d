"""The spool: durable before success, nothing left behind, nothing dropped."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from appliance.dicom import part10
from appliance.dicom.model import Origin
from appliance.errors import StorageFullError, UnreadableInstanceError
from appliance.spool.spool import Spool
from tests.support.files import knee

ORIGIN = Origin("upload", received="2026-11-21T08:00:00.000+00:00")
HEAD = part10.encode("1.2.840.10008.5.1.4.1.1.7", "1.2.3", "1.2.840.10008.1.2.1", ORIGIN)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", "receiver")


def left_in_tmp(spool: Spool) -> list[Path]:
    return list(spool.tmp.iterdir())


def test_a_kept_file_has_our_header_and_its_own_data_set(spool: Spool) -> None:
    source = knee()[0]
    with source.open("rb") as file:
        entry = spool.keep(file, ORIGIN)
    with entry.path.open("rb") as kept, source.open("rb") as original:
        assert part10.read(kept).origin == ORIGIN
        part10.read(original)
        assert kept.read() == original.read()


def test_the_flush_comes_before_the_rename_and_the_folder_after(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def note_fsync(descriptor: int) -> None:
        steps.append("flush " + Path(f"/proc/self/fd/{descriptor}").readlink().suffix)
        fsync(descriptor)

    def note_rename(path: Path, target: Path) -> Path:
        steps.append("rename")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(Path, "rename", note_rename)
    with spool.keeping(HEAD) as keeping:
        keeping.write(b"data")
        keeping.commit()
    assert steps == ["flush .dcm", "rename", "flush "]


def test_what_is_not_committed_leaves_nothing(spool: Spool) -> None:
    with spool.keeping(HEAD) as keeping:
        keeping.write(b"half")
    assert left_in_tmp(spool) == []
    assert spool.waiting() == []


def test_an_exception_leaves_nothing(spool: Spool) -> None:
    with pytest.raises(ConnectionResetError), spool.keeping(HEAD) as keeping:
        keeping.write(b"half")
        raise ConnectionResetError
    assert left_in_tmp(spool) == []


def test_entries_wait_in_the_order_they_came(spool: Spool) -> None:
    for _ in range(5):
        with spool.keeping(HEAD) as keeping:
            keeping.commit()
    names = [entry.name for entry in spool.waiting()]
    assert names == sorted(names)
    assert [entry.name for entry in spool.waiting(2)] == names[:2]


def test_no_dicom_file_is_refused_with_the_reason(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear colleague, " * 20)
    with (tmp_path / "letter.txt").open("rb") as file, pytest.raises(UnreadableInstanceError, match="not a DICOM"):
        spool.keep(file, ORIGIN)


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EIO])
def test_a_full_or_failing_disk_is_said_so_and_leaves_nothing(
    spool: Spool, fault: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(fault, os.strerror(fault))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageFullError), spool.keeping(HEAD) as keeping:
        keeping.commit()
    assert left_in_tmp(spool) == []
    assert spool.waiting() == []


def test_images_are_refused_before_the_reserve_is_touched(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", "receiver", reserve_mb=10**9)
    with pytest.raises(StorageFullError, match="nearly full"), spool.keeping(HEAD):
        pass


def test_a_sweep_removes_only_what_this_door_left(tmp_path: Path) -> None:
    receiver, web = Spool(tmp_path / "spool", "receiver"), Spool(tmp_path / "spool", "web")
    (receiver.tmp / "old.dcm").write_bytes(b"half")
    (web.tmp / "running.dcm").write_bytes(b"half")
    receiver.sweep()
    assert left_in_tmp(receiver) == []
    assert len(left_in_tmp(web)) == 1


def test_a_rejected_entry_keeps_its_bytes_and_its_reason_and_may_be_tried_again(spool: Spool) -> None:
    with spool.keeping(HEAD) as keeping:
        entry = keeping.commit()
    spool.reject(entry, "its Study Instance UID is missing", "2026-11-21T08:00:00.000+00:00")
    assert spool.waiting() == []
    (aside,) = spool.set_aside(spool.rejected)
    assert aside.reason == "its Study Instance UID is missing"
    assert aside.entry.path.read_bytes() == HEAD
    spool.retry(aside.entry)
    assert [each.name for each in spool.waiting()] == [entry.name]
    assert list(spool.rejected.iterdir()) == []


def test_releasing_twice_changes_nothing(spool: Spool) -> None:
    with spool.keeping(HEAD) as keeping:
        entry = keeping.commit()
    spool.release(entry)
    spool.release(entry)
    assert spool.waiting() == []
