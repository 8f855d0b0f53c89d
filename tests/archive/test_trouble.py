"""The index is locked, migrated, deleted or garbage while images are sent: success is answered, nothing is lost."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.dicom import header as headers
from tests.support import disks
from tests.support.boxes import RunningBox
from tests.support.files import PYDICOM, ROOT
from tests.support.images import copies
from tests.support.programs import program
from tests.support.waiting import wait_for

SOURCE = PYDICOM / "test_files" / "CT_small.dcm"
COUNT = 12


class Sent:
    """Studies sent so far, each of COUNT images."""

    def __init__(self, box: RunningBox, folder: Path) -> None:
        self._box = box
        self._folder = folder
        self._files: list[Path] = []

    def another(self) -> None:
        """Send one more study: every image must be answered with success."""
        files = copies(SOURCE, self._folder, COUNT, study=len(self._files) // COUNT + 1)
        subprocess.run(
            [program("storescu"), "-aec", "PACSBOX", "127.0.0.1", str(self._box.dicom_port), *map(str, files)],
            check=True,
            timeout=60,
            env=os.environ | {"TCP_NODELAY": "1"},
        )
        self._files += files

    def are_indexed(self) -> None:
        """All that was sent is in the index once, byte-identical."""
        wait_for(self._box.is_drained, 60, "the spool to drain")
        studies = self._box.box.storage.studies
        rows = [row for uid in studies.study_uids() for row in studies.instances(uid)]
        kept = {row.sop_instance_uid: headers.read(self._box.box.blobs.path(row.blob_key)).digest for row in rows}
        assert len(kept) == len(rows)
        assert kept == {header.uids[2]: header.digest for header in map(headers.read, self._files)}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningBox]:
    box = RunningBox(tmp_path / "box").start("receiver", "indexer")
    wait_for(lambda: listens(box.dicom_port), 60, "the receiver to listen")
    yield box
    box.stop()


def listens(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def sent(running: RunningBox, tmp_path: Path) -> Sent:
    """One study is in the index, and a snapshot that has a share."""
    sent = Sent(running, tmp_path / "images")
    sent.another()
    sent.are_indexed()
    (study,) = running.box.storage.studies.study_uids()
    running.box.sharing.create(study)
    running.box.snapshots.take(running.box.storage)
    return sent


def pacsbox(running: RunningBox, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "appliance.cli.main", *words],
        env=os.environ | running.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout + done.stderr


def test_it_is_locked_for_long_by_a_migration(running: RunningBox, sent: Sent) -> None:
    other = sqlite3.connect(running.box.index_path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("ALTER TABLE study ADD COLUMN of_the_future TEXT NOT NULL DEFAULT ''")
    sent.another()
    wait_for(lambda: "database is locked" in running.logged(), 60, "the indexer to notice")
    sent.another()
    assert len(running.box.spool("tests").waiting()) == 2 * COUNT
    other.execute("COMMIT")
    other.close()
    sent.are_indexed()


def test_it_is_deleted(running: RunningBox, sent: Sent) -> None:
    running.box.close()
    for path in running.box.index_path.parent.iterdir():
        path.unlink()
    sent.another()
    wait_for(lambda: "the index is rebuilt: " in running.logged(), 60, "the indexer to rebuild it")
    sent.are_indexed()
    assert len(running.box.storage.shares.all()) == 1
    assert "sound; last snapshot: " in pacsbox(running, "doctor")


@pytest.mark.parametrize("restarted", [False, True], ids=["as it runs", "when it starts"])
def test_it_is_read_only_for_a_while(running: RunningBox, sent: Sent, restarted: bool) -> None:
    if restarted:
        running.kill("indexer")
    folder = running.box.index_path.parent
    files = [path for path in folder.iterdir() if not path.name.endswith("-shm")]  # which is memory, not a file
    with disks.immutable(*files, folder):
        sent.another()
        if restarted:
            running.start("indexer")
        wait_for(lambda: "cannot be" in running.logged(), 60, "the indexer to notice")
        sent.another()
        assert len(running.box.spool("tests").waiting()) == 2 * COUNT
        assert "See whether its disk was mounted read-only" in pacsbox(running, "doctor")
    sent.are_indexed()


def test_it_is_overwritten_by_garbage(running: RunningBox, sent: Sent) -> None:
    # What a running indexer has in memory it need not read again for a while.
    running.kill("indexer")
    running.box.close()
    size = running.box.index_path.stat().st_size
    with running.box.index_path.open("r+b") as file:
        file.write(os.urandom(size))
    running.box.index_path.with_name("index.sqlite3-wal").unlink(missing_ok=True)
    sent.another()
    running.start("indexer")
    wait_for(lambda: "is damaged" in running.logged(), 60, "the indexer to notice")
    assert "pacsbox reindex" in pacsbox(running, "doctor")
    assert "already runs" in pacsbox(running, "reindex")
    running.kill("indexer")
    sent.another()
    assert "Shares, peers, tokens, transfers and the audit are as of" in pacsbox(running, "reindex")
    running.start("indexer")
    sent.are_indexed()
    assert len(running.box.storage.shares.all()) == 1
