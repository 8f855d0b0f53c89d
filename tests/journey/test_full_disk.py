"""The disk is full, out of inodes, read-only or failing, at every stage; then it is well again, and so is the box.

On small file systems of our own. A sender is told, nothing is left half-done, and what waited goes on by itself.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from appliance import events
from appliance.archive.reindex import reindex
from appliance.box import Box
from appliance.config import load
from appliance.dicom.model import Origin
from appliance.errors import IndexUnavailableError, PacsboxError, StorageFullError
from appliance.spool.spool import Spool
from appliance.storage.durable import write_file
from appliance.storage.files import Files
from appliance.storage.rows import TransferState
from tests.support import disks
from tests.support.clinic import ROOT, opened
from tests.support.drafts import left_by_a_dead_process
from tests.support.files import PYDICOM
from tests.support.images import copies
from tests.support.indexing import drain, indexing
from tests.support.receiving import Receiving, receiving
from tests.support.scp import acceptor
from tests.support.scu import EXPLICIT, Scu, store_command
from tests.support.steady_traffic import CT, images
from tests.support.waiting import wait_for
from tests.web.dicomweb.test_store import post

BLOCK = 4096
OUT_OF_RESOURCES = 0xA700
_SHUTDOWN = 0x8004587D
"""EXT4_IOC_SHUTDOWN (ext4(5)); 2: at once, with nothing written any more."""
IMAGES = images(1, 6)
"""Data sets by SOP Instance UID."""

Trouble = Callable[[Path], AbstractContextManager[None]]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small ext4, mounted."""
    disks.needed()
    with disks.fast_folder(tmp_path) as folder:
        image = disks.make("ext4", folder / "disk", 24)
        with disks.mounted(image, "ext4", folder / "mount") as mount:
            yield mount


@pytest.fixture
def box(disk: Path) -> Iterator[Box]:
    """A box on it, without a reserve."""
    made = box_on(disk)
    assert made.storage.studies.count() == (0, 0)
    yield made
    made.close()


def box_on(disk: Path) -> Box:
    environment = {
        "PACSBOX_DATA_DIR": str(disk / "box"),
        "PACSBOX_STORAGE_RESERVE_MB": "0",
        "PACSBOX_WEB_PUBLIC_PORT": "0",
        "PACSBOX_WEB_CLINIC_PORT": "0",
    }
    return Box(load(environment=environment)[0])


@contextmanager
def full(disk: Path, blocks_left: int = 0) -> Iterator[None]:
    """Nobody has room for more than these blocks."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        size = _filled(file.fileno())
        os.fsync(file.fileno())
        file.truncate(max(0, size - blocks_left * BLOCK))
        os.fsync(file.fileno())
    try:
        yield
    finally:
        ballast.unlink()
        os.sync()


def _filled(descriptor: int) -> int:
    size = 0
    for chunk in (bytes(1 << 18), bytes(BLOCK)):
        try:
            while True:
                size += os.write(descriptor, chunk)
        except OSError:
            continue
    return size


@contextmanager
def no_inodes(disk: Path) -> Iterator[None]:
    """Nobody can make a file."""
    folder = disk / "many"
    folder.mkdir()
    try:
        for number in range(100_000):
            (folder / str(number)).touch()
    except OSError:
        pass
    try:
        yield
    finally:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


@contextmanager
def read_only(disk: Path) -> Iterator[None]:
    """Nobody can change anything; needs that no file is open for writing."""
    disks.run("mount", "-o", "remount,ro", disk)
    try:
        yield
    finally:
        disks.run("mount", "-o", "remount,rw", disk)


TROUBLES = [full, no_inodes, read_only]


def keep(spool: Spool, folder: Path, count: int, study: int = 1) -> None:
    """Bring images into the spool, as an upload would."""
    for path in copies(PYDICOM / "test_files" / "CT_small.dcm", folder, count, study):
        with path.open("rb") as file:
            spool.keep(file, Origin("upload", received=events.now()))


def store(scu: Scu, number: int) -> int:
    """Send an image; the status."""
    uid = list(IMAGES)[number]
    return scu.store(1, CT, uid, IMAGES[uid]).status


def has(box: Receiving, *numbers: int) -> None:
    """These images are kept, whole, and there is nothing else."""
    data = list(IMAGES.values())
    assert [kept for _, kept in box.kept()] == [data[number] for number in numbers]
    assert box.drafts() == []


def is_whole(box: Box, instances: int) -> None:
    """So many are in archive and index, each once, and nothing waits or is set aside."""
    spool = box.spool("tests")
    studies = box.storage.studies
    rows = [row for uid in list(studies.study_uids()) for row in studies.instances(uid)]
    assert len(rows) == instances
    assert {row.blob_key for row in rows} == set(box.blobs.keys())
    assert all(box.blobs.holds(row.blob_key, row.size) for row in rows)
    assert list(spool.new.iterdir()) == list(spool.rejected.iterdir()) == list(spool.conflicts.iterdir()) == []
    assert box.storage.check() == []


@pytest.mark.parametrize("hot", [True, False], ids=["hot", "pynetdicom"])
@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_sender_is_told_and_may_go_on_when_the_disk_is_well(disk: Path, trouble: Trouble, hot: bool) -> None:
    with receiving(disk, hot) as box, Scu(box.port).associate([(CT, [EXPLICIT])]) as scu:
        assert store(scu, 0) == 0
        with trouble(disk):
            assert [store(scu, number) for number in (1, 2, 1)] == [OUT_OF_RESOURCES] * 3
            has(box, 0)
        assert [store(scu, number) for number in (1, 2)] == [0, 0]
        has(box, 0, 1, 2)


@pytest.mark.parametrize("blocks_left", [0, 1, 2, 5, 20])
def test_a_disk_that_fills_up_within_an_image_leaves_nothing_of_it(disk: Path, blocks_left: int) -> None:
    uid, data = next((uid, data) for uid, data in IMAGES.items() if len(data) > 30 * BLOCK)
    with receiving(disk) as box, Scu(box.port).associate([(CT, [EXPLICIT])]) as scu:
        scu.fragment(1, 3, store_command(CT, uid))
        scu.fragment(1, 0, data[:BLOCK])
        wait_for(lambda: box.drafts() and box.drafts()[0].stat().st_size > BLOCK, 20, "the draft")
        with full(disk, blocks_left):
            scu.fragment(1, 2, data[BLOCK:])
            assert scu.response().status == OUT_OF_RESOURCES
            assert list(box.spool.new.iterdir()) == []
        assert scu.store(1, CT, uid, data).status == 0


def test_images_are_refused_while_there_is_still_room_for_what_the_box_itself_writes(disk: Path) -> None:
    spool = Spool(disk / "spool", "receiver", reserve_mb=1)
    room = os.statvfs(disk)
    (source,) = copies(PYDICOM / "test_files" / "CT_small.dcm", disk, 1)
    with full(disk, room.f_blocks // 20 - 50):
        with pytest.raises(StorageFullError, match="nearly full"), source.open("rb") as file:
            spool.keep(file, Origin("upload", received=events.now()))
        (disk / "log").write_bytes(bytes(100 * BLOCK))
    assert list(spool.new.iterdir()) == []


def test_a_disk_that_fails_is_said_so_and_what_was_answered_is_there_after_the_next_mount(tmp_path: Path) -> None:
    disks.needed()
    with disks.fast_folder(tmp_path) as folder:
        image = disks.make("ext4", folder / "disk", 24)
        with (
            disks.mounted(image, "ext4", folder / "mount") as disk,
            receiving(disk) as box,
            Scu(box.port).associate([(CT, [EXPLICIT])]) as scu,
        ):
            assert [store(scu, number) for number in (0, 1)] == [0, 0]
            fail(disk)
            assert [store(scu, number) for number in (2, 3)] == [OUT_OF_RESOURCES] * 2
        with disks.mounted(image, "ext4", folder / "mount") as disk, receiving(disk) as box:
            has(box, 0, 1)
            with Scu(box.port).associate([(CT, [EXPLICIT])]) as scu:
                assert store(scu, 2) == 0


def fail(disk: Path) -> None:
    """From now on the file system refuses everything, as one does whose disk is gone."""
    descriptor = os.open(disk, os.O_RDONLY)
    fcntl.ioctl(descriptor, _SHUTDOWN, struct.pack("I", 2))
    os.close(descriptor)


def test_what_could_not_be_looked_at_when_the_receiver_began_is_taken_in_later(
    disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.spool.spool._LOOK_AGAIN", 0)
    spool = Spool(disk / "spool", "receiver")
    left_by_a_dead_process(spool, b"all of it", finished=True)
    left_by_a_dead_process(spool, b"half")
    with read_only(disk):
        with pytest.raises(StorageFullError, match="Read-only"):
            spool.sweep()
        assert spool.waiting() == []
    (entry,) = spool.waiting(10)
    assert entry.path.read_bytes().endswith(b"all of it")
    assert spool.drafts() == []


@pytest.mark.parametrize("blocks_left", [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64])
def test_the_indexer_waits_for_room_wherever_it_ran_out_of_it(box: Box, tmp_path: Path, blocks_left: int) -> None:
    disk = box.data_dir.parent
    keep(box.spool("tests"), tmp_path, 12)
    keep(box.spool("tests"), tmp_path, 12, study=2)
    indexer = box.indexer()
    with full(disk, blocks_left):
        try:
            indexer.drain_batch()
        except (OSError, PacsboxError):
            assert len(box.spool("tests").waiting()) == 24, "the spool was emptied before the index had it all"
    drain(box)
    is_whole(box, 24)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_the_indexer_goes_on_by_itself(
    box: Box, tmp_path: Path, trouble: Trouble, caplog: pytest.LogCaptureFixture
) -> None:
    keep(box.spool("tests"), tmp_path, 3)
    box.close()  # which needs room, and what is open for writing can't be made read-only
    with ExitStack() as troubled:
        troubled.enter_context(trouble(box.data_dir.parent))
        with indexing(box):
            wait_for(lambda: caplog.records, 30, "a word of the indexer")
            troubled.close()
            wait_for(lambda: not box.spool("tests").waiting(), 30, "the spool to drain")
    is_whole(box, 3)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_web_clients_are_told_and_may_try_again(box: Box, trouble: Trouble) -> None:
    file = (PYDICOM / "test_files" / "CT_small.dcm").read_bytes()
    box.close()
    with ExitStack() as troubled, opened(box) as doors:
        troubled.enter_context(trouble(box.data_dir.parent))
        answer = post(doors.clinic + ROOT + "/studies", file)
        assert answer.status_code == 507
        assert answer.json()["00081198"]["Value"][0]["00081197"]["Value"] == [OUT_OF_RESOURCES]
        assert list(box.spool("tests").new.iterdir()) == []
        troubled.close()
        with indexing(box):
            assert post(doors.clinic + ROOT + "/studies", file).status_code == 200
    is_whole(box, 1)


@pytest.mark.parametrize("blocks_left", [0, 2, 8])
def test_transfers_go_on_when_there_is_room_again(
    box: Box, tmp_path: Path, blocks_left: int, caplog: pytest.LogCaptureFixture
) -> None:
    keep(box.spool("tests"), tmp_path, 4)
    drain(box)
    (study,) = box.storage.studies.study_uids()
    stop = threading.Event()
    with acceptor(lambda uid: 0) as scp:
        box.peers.add("CLINIC-B", "ACCEPTOR", "127.0.0.1", scp.peer.port)
        transfer = box.transfers.enqueue(study, "CLINIC-B")
        sender = threading.Thread(target=box.sender(lambda *_: 0.1).run, args=(stop,))
        try:
            with full(box.data_dir.parent, blocks_left):
                sender.start()
                wait_for(lambda: scp.received or caplog.records, 30, "a call, or a word why there is none")
            wait_for(lambda: box.transfers.get(transfer.id).state.is_over, 60, "the transfer")
        finally:
            stop.set()
            sender.join()
    assert box.transfers.get(transfer.id).state is TransferState.DONE
    assert len(set(scp.received)) == 4


@pytest.mark.parametrize("blocks_left", [0, 4, 16])
def test_neither_a_rebuild_nor_a_snapshot_harms_what_there_is(box: Box, tmp_path: Path, blocks_left: int) -> None:
    keep(box.spool("tests"), tmp_path, 12)
    drain(box)
    box.peers.add("CLINIC-B", "PEER", "127.0.0.1", 104)
    first = box.snapshots.take(box.storage)
    with full(box.data_dir.parent, blocks_left):
        for work in (lambda: box.snapshots.take(box.storage), lambda: reindex(box.storage, box.blobs)):
            with suppress(OSError, IndexUnavailableError):
                work()
        is_whole(box, 12)
        assert first in box.snapshots.all()
    box.snapshots.take(box.storage)
    assert reindex(box.storage, box.blobs).instances == 12
    is_whole(box, 12)
    assert [peer.name for peer in box.peers.all()] == ["CLINIC-B"]


def test_a_note_or_a_copy_that_finds_no_room_leaves_no_draft(disk: Path) -> None:
    big = disk / "big"
    big.write_bytes(bytes(64 * BLOCK))
    archive = Files(disk / "archive")
    key = f"ab/{'0' * 32}/0001-aa.dcm"
    archive.link(key.replace("0001", "0002"), big)
    with full(disk):
        with pytest.raises(OSError, match="No space"):
            write_file(disk / "note.json", bytes(64 * BLOCK))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "link", no_links)
            with pytest.raises(OSError, match="No space"):
                archive.link(key, big)
        assert [path.name for path in disk.rglob("*") if "note" in path.name or path.suffix == ".part"] == []


def no_links(*_: object) -> None:
    raise OSError(errno.EXDEV, "another file system")
