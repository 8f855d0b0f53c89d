"""The audit's journal: nothing noted is lost, nothing is taken in twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from appliance.access.journal import Journal, Note, merged, take_in
from appliance.box import Box
from tests.support.waiting import wait_for


def test_what_is_alike_is_one_row_with_its_numbers(box: Box) -> None:
    journal = Journal(box.data_dir / "audit", "clinic", lambda: box.storage, box.close, seconds=0.05)
    # Before it starts, so that all are of one batch however slow the machine is.
    for items in (1, 2, 3):
        journal.note("token A", "retrieve", "frames", study="1.2", items=items)
    journal.note("token B", "retrieve", "frames", study="1.2")
    with closing(journal):
        journal.start()
        wait_for(lambda: len(box.storage.audit.rows(limit=9)) >= 2)
    rows = {row.who: row for row in box.storage.audit.rows(study_instance_uid="1.2")}
    assert (rows["token A"].requests, rows["token A"].items) == (3, 6)
    assert box.storage.audit.rows(who="token B")[0].resource == "frames"
    assert box.storage.audit.rows(study_instance_uid="1.3") == []


def test_notes_outlive_a_killed_process_and_come_in_with_the_next(box: Box, tmp_path: Path) -> None:
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom appliance.access.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1]), 'clinic', lambda: None, lambda: None, seconds=3600)\njournal.start()\n"
        "journal.note('token A', 'query', 'studies')\nprint('noted', flush=True)\ntime.sleep(600)\n"
    )
    folder = box.data_dir / "audit"
    process = subprocess.Popen([sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE)
    with process:
        assert process.stdout
        assert process.stdout.readline() == b"noted\n"
        wait_for(lambda: any(path.stat().st_size for path in folder.glob("*.open")))
        other = Journal(folder, "clinic", lambda: box.storage, box.close)
        other.start()
        other.close()
        assert box.storage.audit.rows() == [], "a living process's journal was taken"
        os.kill(process.pid, signal.SIGKILL)
    with closing(Journal(folder, "clinic", lambda: box.storage, box.close)) as again:
        again.start()
    assert [row.who for row in box.storage.audit.rows()] == ["token A"]
    assert list(folder.iterdir()) == []


def test_a_batch_that_was_taken_in_before_a_power_cut_is_not_taken_in_twice(box: Box, tmp_path: Path) -> None:
    path = tmp_path / "clinic-1.jsonl"
    line = b'["2026-11-21T08:00:00.000+00:00","token A","","query","studies","","ok",5]\n'
    for _ in range(2):
        path.write_bytes(line + line + b'["2026-11-21T08:0')
        take_in(box.storage, path)
    assert [(row.requests, row.items) for row in box.storage.audit.rows()] == [(2, 10)]
    assert not path.exists()


def test_a_broken_index_keeps_the_notes_waiting(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    box.close()
    box.index_path.write_bytes(b"this is no index" * 1000)
    with closing(Journal(box.data_dir / "audit", "clinic", lambda: box.storage, box.close)) as journal:
        journal.start()
        journal.note("token A", "query", "studies")
    assert "waits in its journal" in caplog.text
    assert [path.suffix for path in (box.data_dir / "audit").iterdir()] == [".jsonl"]


def test_what_cannot_be_written_down_is_in_the_log(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    (box.data_dir / "audit").write_text("a file where the folder should be")
    with closing(Journal(box.data_dir / "audit", "clinic", lambda: box.storage, box.close)) as journal:
        journal.start()
        journal.note("token A", "query", "studies", study="1.2.3")
    assert "token A" in caplog.text
    assert "1.2.3" in caplog.text


def test_a_refusal_is_a_row_of_its_own() -> None:
    notes = [Note("t", "unknown", "", "query", "studies", "", outcome, 1) for outcome in ("401", "ok", "401")]
    assert [(row.outcome, row.requests) for row in merged(notes)] == [("401", 2), ("ok", 1)]
