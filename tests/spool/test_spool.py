"""The spool: durable before success, nothing left behind, nothing dropped."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.dicom import part10
from appliance.dicom.model import Origin
from appliance.errors import StorageFullError, UnreadableInstanceError
from appliance.spool import room
from appliance.spool.spool import Entry, Spool
from appliance.storage import durable
from tests.support.drafts import HEAD, left_by_a_dead_process
from tests.support.files import ROOT, knee

ORIGIN = Origin("upload", received="2026-11-21T08:00:00.000+00:00")


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", "receiver")


def kept(spool: Spool, data: bytes = b"data") -> Entry:
    with spool.keeping(HEAD) as keeping:
        keeping.write(data)
        return keeping.commit()


def steps_of_keeping(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    steps: list[str] = []
    for name in ("fsync", "fchmod", "pwrite"):
        real = getattr(os, name)

        def note(descriptor: int, *rest: object, name: str = name, real: Callable[..., Any] = real) -> Any:
            steps.append(f"{name} {Path(f'/proc/self/fd/{descriptor}').readlink().suffix or 'folder'}")
            return real(descriptor, *rest)

        monkeypatch.setattr(os, name, note)
    kept(spool)
    return steps


def test_a_kept_file_has_our_header_and_its_own_data_set(spool: Spool) -> None:
    source = knee()[0]
    with source.open("rb") as file:
        entry = spool.keep(file, ORIGIN)
    with entry.path.open("rb") as kept, source.open("rb") as original:
        assert part10.read(kept).origin == ORIGIN
        part10.read(original)
        assert kept.read() == original.read()


def test_an_entry_is_flushed_once_after_its_header_was_written_and_before_it_may_be_taken(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert steps_of_keeping(spool, monkeypatch) == ["pwrite .dcm", "pwrite .dcm", "fsync .dcm", "fchmod .dcm"]


def test_a_file_system_that_promises_nothing_gets_its_folder_flushed_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "file_system", lambda folder: "overlay")
    spool = Spool(tmp_path / "spool", "receiver")
    assert steps_of_keeping(spool, monkeypatch) == [
        "pwrite .dcm",
        "pwrite .dcm",
        "fsync .dcm",
        "fsync folder",
        "fchmod .dcm",
    ]


def test_a_draft_is_not_waiting(spool: Spool) -> None:
    with spool.keeping(HEAD) as keeping:
        keeping.write(b"data")
        assert spool.waiting() == spool.waiting(10) == []
        assert spool.drafts() == [keeping.path]
        entry = keeping.commit()
    assert spool.waiting() == spool.waiting(10) == [entry]
    assert spool.drafts() == []


def test_an_entry_cannot_be_changed_any_more_and_is_not_for_all_eyes(spool: Spool) -> None:
    assert kept(spool).path.stat().st_mode & 0o7777 == 0o440


def test_a_file_that_somebody_put_there_by_hand_is_taken(spool: Spool) -> None:
    (spool.new / "00000000000000000001-restored.dcm").write_bytes(HEAD + b"data")
    spool.sweep()
    assert [entry.name for entry in spool.waiting()] == ["00000000000000000001-restored"]


def test_what_is_not_committed_leaves_nothing(spool: Spool) -> None:
    with spool.keeping(HEAD) as keeping:
        keeping.write(b"half")
    assert spool.drafts() == []
    assert spool.waiting() == []


def test_an_exception_leaves_nothing(spool: Spool) -> None:
    with pytest.raises(ConnectionResetError), spool.keeping(HEAD) as keeping:
        keeping.write(b"half")
        raise ConnectionResetError
    assert spool.drafts() == []


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
    assert spool.drafts() == []
    assert spool.waiting() == []


def test_images_are_refused_before_the_reserve_is_touched(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", "receiver", reserve_mb=10**9)
    with pytest.raises(StorageFullError, match="nearly full"), spool.keeping(HEAD):
        pass


def test_no_more_than_a_million_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_WAITING", 2)
    monkeypatch.setattr(room, "_RECOUNT", 1)
    spool = Spool(tmp_path / "spool", "receiver", reserve_mb=1)
    entries = [kept(spool), kept(spool)]
    with pytest.raises(StorageFullError, match="wait for the indexer"):
        kept(spool)
    spool.release(entries[0])
    kept(spool)


def test_an_instance_that_would_fill_the_disk_is_refused_while_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room.Room, "free", lambda self: 1)
    monkeypatch.setattr(room, "_FRESH", 0)
    spool = Spool(tmp_path / "spool", "receiver", reserve_mb=1)
    chunk = bytes(1 << 20)
    with pytest.raises(StorageFullError, match="nearly full"), spool.keeping(HEAD) as keeping:
        keeping.write(chunk)
        monkeypatch.setattr(room.Room, "free", lambda self: 0)
        for _ in range(4):
            keeping.write(chunk)
    assert spool.drafts() == spool.waiting() == []


@pytest.mark.parametrize(("page", "first"), [(4096, 4096), (16384, 16384), (1024, 4096)])
def test_the_page_that_will_have_the_header_is_not_given_to_the_disk_before(
    tmp_path: Path, page: int, first: int
) -> None:
    """In a process of its own, which is told that it has pages of this size."""
    program = """
import os, pathlib, sys
os.sysconf = lambda name: int(sys.argv[1])
from appliance.spool import keeping, spool
from tests.support.drafts import HEAD
begun = []
keeping.begin_writing = lambda descriptor, at, size: begun.append(at)
with spool.Spool(pathlib.Path(sys.argv[2]), "receiver").keeping(HEAD) as draft:
    draft.write(bytes(1 << 20))
print(begun[0])
"""
    command = [sys.executable, "-c", program, str(page), str(tmp_path / "spool")]
    assert int(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout) == first


def test_a_sweep_removes_what_dead_processes_left_unfinished_and_nothing_that_is_being_written(
    tmp_path: Path,
) -> None:
    receiver, web = Spool(tmp_path / "spool", "receiver"), Spool(tmp_path / "spool", "web")
    left_by_a_dead_process(receiver, b"half")
    left_by_a_dead_process(receiver, b"")
    with web.keeping(HEAD) as keeping:
        keeping.write(b"data")
        receiver.sweep()
        assert receiver.drafts() == [keeping.path]
        entry = keeping.commit()
    receiver.sweep()
    assert receiver.waiting() == [entry]


def test_a_sweep_takes_in_what_was_complete_for_it_may_have_been_answered(spool: Spool) -> None:
    draft = left_by_a_dead_process(spool, b"all of it", finished=True)
    assert spool.waiting() == []
    spool.sweep()
    (entry,) = spool.waiting()
    assert entry.path == draft
    assert entry.path.read_bytes().endswith(b"all of it")


def test_a_draft_that_cannot_be_looked_at_keeps_no_other_from_being_taken_in(spool: Spool) -> None:
    odd = spool.new / "00000000000000000001-odd.dcm"
    odd.mkdir()
    odd.chmod(0o1700)
    draft = left_by_a_dead_process(spool, b"all of it", finished=True)
    with pytest.raises(IsADirectoryError):
        spool.sweep()
    assert [entry.path for entry in spool.waiting()] == [draft]


def test_the_indexer_takes_in_what_a_door_left_that_is_down(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = left_by_a_dead_process(spool, b"all of it", finished=True)
    with spool.keeping(HEAD) as keeping:
        keeping.write(b"data")
        assert spool.waiting(10) == []
        monkeypatch.setattr(spool, "_next_look", 0)
        assert [entry.path for entry in spool.waiting(10)] == [draft]
        assert spool.drafts() == [keeping.path]


@pytest.mark.parametrize("missing", [1, 4096, 100_000])
def test_what_a_power_cut_shortened_is_removed(spool: Spool, missing: int) -> None:
    draft = left_by_a_dead_process(spool, os.urandom(300_000), finished=True)
    os.truncate(draft, draft.stat().st_size - missing)
    spool.sweep()
    assert spool.waiting() == spool.drafts() == []


@pytest.mark.parametrize("size", [10_000, 300_000])
def test_what_has_its_length_but_not_all_of_its_blocks_is_removed(spool: Spool, size: int) -> None:
    """The length may be written before the blocks, which then read as zeros (ext4: dioread_nolock)."""
    if durable.file_system(spool.root) not in ("ext4", "xfs", "btrfs"):
        pytest.skip("nothing is told of holes by the file system of the tests' folder")
    draft = left_by_a_dead_process(spool, os.urandom(size), finished=True)
    size = draft.stat().st_size
    with draft.open("r+b") as file:
        os.fsync(file.fileno())
        file.truncate(4096)
        os.posix_fallocate(file.fileno(), 0, size)
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    spool.sweep()
    assert spool.waiting() == spool.drafts() == []


def test_a_long_backlog_is_listed_once_and_worked_off_in_order(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [kept(spool).name for _ in range(10)]
    listings = []
    listdir = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: (listings.append(path), listdir(path))[1])
    taken = []
    for _ in range(3):
        batch = spool.waiting(3)
        taken += [entry.name for entry in batch]
        for entry in batch:
            spool.release(entry)
    assert taken == names[:9]
    assert len(listings) == 1
    newcomer = kept(spool)
    assert [entry.name for entry in spool.waiting(3)] == [names[9], newcomer.name]


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
