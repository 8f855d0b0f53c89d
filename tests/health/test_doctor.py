"""The doctor says what is wrong and what to do, and only then."""

from __future__ import annotations

import ctypes
import shutil
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance import events
from appliance.box import Box
from appliance.config import load
from appliance.health import backlog, clock, disk, index, services, settings, transfers
from appliance.health.doctor import examine
from appliance.health.finding import Finding, Severity
from appliance.service import SERVICES, only_one
from appliance.storage.rows import TransferState
from tests.conftest import Fill
from tests.support.files import knee


def problems(findings: list[Finding]) -> list[str]:
    return [finding.says for finding in findings if finding.severity is Severity.PROBLEM]


def test_every_problem_comes_with_advice(box: Box) -> None:
    findings = examine(box)
    assert len(problems(findings)) == len(SERVICES)
    assert all(finding.advice for finding in findings if finding.severity is not Severity.OK)


def test_running_services_are_no_problem(box: Box) -> None:
    with ExitStack() as stack:
        for name in SERVICES:
            stack.enter_context(only_one(box.run_dir, name))
        assert [finding.says for finding in services.check(box)] == ["All four services are up."]


def test_a_service_that_is_down_is_named_with_what_it_means(box: Box) -> None:
    assert "The receiver is down: no images can come in by DICOM." in problems(list(services.check(box)))


def test_a_full_disk_is_a_problem(tmp_path: Path) -> None:
    full = Box(load(environment={"PACSBOX_DATA_DIR": str(tmp_path), "PACSBOX_STORAGE_RESERVE_MB": str(10**9)})[0])
    assert "new images are refused" in problems(list(disk.check(full)))[0]


def test_a_disk_that_fills_up_is_noted(tmp_path: Path) -> None:
    free_mb = shutil.disk_usage(tmp_path).free // 1_000_000
    box = Box(load(environment={"PACSBOX_DATA_DIR": str(tmp_path), "PACSBOX_STORAGE_RESERVE_MB": str(free_mb // 2)})[0])
    assert [finding.severity for finding in disk.check(box)] == [Severity.NOTE]


def test_rejected_and_conflicting_files_need_a_person(box: Box) -> None:
    spool = box.spool("receiver")
    for _ in range(2):
        with spool.keeping(b"\0" * 128 + b"DICM") as keeping:
            keeping.commit()
    rejected, conflict = spool.waiting()
    spool.reject(rejected, "no study", events.now())
    spool.conflict(conflict, "1.2.3", "we have another", events.now())
    said = problems(list(backlog.check(box)))
    assert "1 received files could not be indexed; the last: no study." in said[0]
    assert "1 received images contradict what is here" in said[1]


def test_images_that_wait_long_for_the_indexer_are_a_problem(box: Box) -> None:
    assert problems(list(backlog.check(box))) == []
    (box.spool("receiver").new / "00000000000000000001-aa.dcm").write_bytes(b"")
    assert "wait for the indexer" in problems(list(backlog.check(box)))[0]


def test_a_sound_index_tells_what_it_holds(box: Box, fill: Fill) -> None:
    fill(knee()[:3])
    (finding,) = index.check(box)
    assert finding.says == "1 studies with 3 images; the index is sound; no snapshot yet."


def test_a_damaged_index_is_a_problem_and_no_traceback(box: Box) -> None:
    box.index_path.write_bytes(b"broken" * 1000)
    said = examine(box)
    assert any("damaged" in finding.says and "reindex" in finding.advice for finding in said)


def test_a_failed_transfer_needs_a_person(box: Box, fill: Fill) -> None:
    fill(knee()[:1])
    box.peers.add("CLINIC-B", "CB", "127.0.0.1", 104)
    transfer = box.transfers.enqueue(box.storage.studies.search("", 1)[0].study_instance_uid, "CLINIC-B")
    with box.storage.transaction():
        box.storage.transfers.claim(events.now())
        box.storage.transfers.finish(transfer.id, TransferState.FAILED, "CLINIC-B does not answer.")
    assert "to CLINIC-B: CLINIC-B does not answer." in problems(list(transfers.check(box)))[0]


def test_a_clock_that_went_back_is_a_problem(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(
            "appliance.storage.sqlite.events.now", lambda: events.stamp(datetime.now(UTC) + timedelta(days=1))
        )
        with box.storage.transaction():
            box.storage.events.add("study.received")
    assert "The clock says" in problems(list(clock.check(box)))[0]


def test_a_clock_that_nobody_keeps_is_noted(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    class Unkept:
        def adjtimex(self, _timex: object) -> int:
            return 5

    monkeypatch.setattr(ctypes, "CDLL", lambda _name: Unkept())
    assert [finding.severity for finding in clock.check(box)] == [Severity.NOTE]


def test_links_without_encryption_are_a_problem(tmp_path: Path) -> None:
    environment = {"PACSBOX_DATA_DIR": str(tmp_path), "PACSBOX_WEB_PUBLIC_URL": "http://images.clinic.example"}
    box = Box(load(environment=environment)[0])
    assert "not encrypted" in problems(list(settings.check(box)))[0]


@pytest.mark.parametrize(("options", "noted"), [({}, True), ({"TLS": "true"}, False), ({"BIND": "127.0.0.1"}, False)])
def test_a_clinic_door_that_can_be_overheard_is_noted(tmp_path: Path, options: dict[str, str], noted: bool) -> None:
    environment = {"PACSBOX_DATA_DIR": str(tmp_path / "box")}
    environment |= {f"PACSBOX_WEB_CLINIC_{name}": value for name, value in ({"BIND": "0.0.0.0"} | options).items()}
    box = Box(load(environment=environment)[0])
    assert any("overheard" in finding.says for finding in settings.check(box)) is noted
