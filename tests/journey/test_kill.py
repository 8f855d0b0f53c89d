"""kill -9 at random moments while a real modality sends: what was answered with success is never lost."""

from __future__ import annotations

import os
import random
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.dicom import header as headers
from tests.support.boxes import RunningBox
from tests.support.files import PYDICOM
from tests.support.images import copies
from tests.support.programs import program
from tests.support.waiting import wait_for

KILLS = 20
pytestmark = pytest.mark.timeout(600)
SOURCE = PYDICOM / "test_files" / "CT_small.dcm"
_SENT = re.compile(r"Sending file: (\S+)\n(?:(?!Sending file).*\n)*?I: Received Store Response \(Success\)")


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningBox]:
    box = RunningBox(tmp_path / "box").start("receiver", "indexer")
    yield box
    box.stop()


def storescu(box: RunningBox, files: list[Path]) -> subprocess.Popen[str]:
    arguments = ["-v", "-aec", "PACSBOX", "127.0.0.1", str(box.dicom_port), *map(str, files)]
    return subprocess.Popen(
        [program("storescu"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"TCP_NODELAY": "1"},
    )


def answered_with_success(output: str) -> list[Path]:
    return [Path(name) for name in _SENT.findall(output)]


def said_until(sending: subprocess.Popen[str], answers: int) -> str:
    """What the sender says until it has had so many answers."""
    assert sending.stdout is not None
    said = ""
    while said.count("Received Store Response") < answers and (line := sending.stdout.readline()):
        said += line
    return said


def examine(box: RunningBox, sent: list[Path]) -> None:
    """Every one of `sent` is indexed once, byte-identical; and nothing else but what was not answered."""
    # What a dead receiver left is taken in a moment after the next one listens.
    wait_for(lambda: not box.box.spool("tests").drafts(), 60, "drafts to be gone")
    wait_for(box.is_drained, 60, "the spool to drain")
    studies = box.box.storage.studies.search("", 100)
    rows = [row for study in studies for row in box.box.storage.studies.instances(study.study_instance_uid)]
    by_uid = {row.sop_instance_uid: row for row in rows}
    assert len(by_uid) == len(rows)
    for path in sent:
        header = headers.read(path)
        row = by_uid[header.uids[2]]
        assert headers.read(box.box.blobs.path(row.blob_key)).digest == header.digest
    assert len(list(box.box.blobs.keys())) == len(rows)
    spool = box.box.spool("tests")
    assert spool.set_aside(spool.conflicts) == spool.set_aside(spool.rejected) == []


def test_the_receiver_is_killed(running: RunningBox, tmp_path: Path) -> None:
    chance = random.Random(1)
    sent: list[Path] = []
    cut_short = 0
    for round_number in range(KILLS):
        files = copies(SOURCE, tmp_path / "images", 60, study=round_number)
        sending = storescu(running, files)
        output = said_until(sending, chance.randrange(40))
        threading.Event().wait(chance.uniform(0.0, 0.005))
        running.kill("receiver")
        success = answered_with_success(output + sending.communicate(timeout=60)[0])
        cut_short += len(success) < len(files)
        sent += success
        running.start("receiver")
    assert cut_short > KILLS / 2
    assert sent
    examine(running, sent)
    assert running.box.spool("tests").drafts() == []


def test_the_indexer_is_killed(running: RunningBox, tmp_path: Path) -> None:
    chance = random.Random(2)
    files = [path for study in range(KILLS) for path in copies(SOURCE, tmp_path / "images", 40, study=study)]
    sending = storescu(running, files)
    output: list[str] = []
    reader = threading.Thread(target=lambda: output.append(sending.communicate(timeout=120)[0]))
    reader.start()
    for _ in range(KILLS):
        threading.Event().wait(chance.uniform(0.0, 0.15))
        running.kill("indexer")
        running.start("indexer")
    reader.join()
    sent = answered_with_success(output[0])
    assert len(sent) == len(files)
    examine(running, sent)
    told = [event.detail["instances"] for event in running.box.storage.events.since(0)]
    assert sum(told) == len(files)
