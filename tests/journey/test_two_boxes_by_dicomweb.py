"""One box sends to another by DICOMweb, though its sender is killed, and fetches from it; all by the commands."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread

from appliance import events
from appliance.access.scope import Permission
from appliance.dicom.model import Origin
from appliance.peers.faults import PeerError
from appliance.storage.rows import Transfer, TransferState
from tests.support.boxes import RunningBox
from tests.support.files import ROOT, brainix, knee
from tests.support.programs import listens
from tests.support.waiting import wait_for


def run(box: RunningBox, *words: str) -> subprocess.CompletedProcess[str]:
    """`pacsbox WORDS` on this box."""
    return subprocess.run(
        [sys.executable, "-m", "appliance.cli.main", *words],
        env=os.environ | box.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def boxes(tmp_path: Path) -> Iterator[tuple[RunningBox, RunningBox]]:
    """Here, with its sender and indexer; there, with its web server and indexer."""
    found = []
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        found.append(RunningBox(tmp_path / name, name.upper()))
    here, there = found
    here.start("indexer", "sender")
    there.start("indexer", "web")
    wait_for(lambda: listens(there.clinic_port), 30, "the clinic door")
    yield here, there
    here.stop()
    there.stop()


def taken_in(box: RunningBox, files: list[Path]) -> str:
    """The study of `files`, once all of it has gone through the spool."""
    for path in files:
        with path.open("rb") as file:
            box.box.spool("receiver").keep(file, Origin("C-STORE", "MR", "", "127.0.0.1", events.now()))
    wait_for(box.is_drained, 60, "the indexer")
    study = str(dcmread(files[0], specific_tags=["StudyInstanceUID"]).StudyInstanceUID)
    wait_for(lambda: len(digests(box, study)) == len(files), 30, "the index")
    return study


def digests(box: RunningBox, study: str) -> dict[str, str]:
    return {each.sop_instance_uid: each.digest for each in box.box.storage.studies.instances(study)}


def test_studies_go_from_box_to_box_and_come_back(boxes: tuple[RunningBox, RunningBox], tmp_path: Path) -> None:
    here, there = boxes
    token = there.box.tokens.create("HERE", list(Permission), 1).text
    (tmp_path / "token").write_text(f"{token}\n")
    url = f"http://127.0.0.1:{there.clinic_port}/dicom-web"
    added = run(here, "peer", "add", "THERE", "--url", url, "--token", str(tmp_path / "token"))
    assert (added.returncode, added.stdout) == (0, "THERE is added.\nTry it: pacsbox peer test THERE\n"), added.stderr
    assert "THERE answers, in" in run(here, "peer", "test", "THERE").stdout

    study = taken_in(here, brainix())
    sent = digests(here, study)
    number = here.box.transfers.enqueue(study, "THERE").id

    def transfer() -> Transfer:
        return here.box.transfers.get(number)

    wait_for(lambda: transfer().state is not TransferState.QUEUED, 30, "the sender")
    here.kill("sender")
    here.start("sender")
    wait_for(lambda: transfer().state.is_over, 60, "the transfer")
    assert (transfer().state, transfer().sent, transfer().message) == (TransferState.DONE, len(sent), "")
    wait_for(lambda: digests(there, study) == sent, 30, "the other box's index")
    stored = wait_for(lambda: [row for row in there.box.storage.audit.rows() if row.action == "store"], 30, "the audit")
    assert {row.who for row in stored} == {"token HERE"}

    prior = taken_in(there, knee())
    assert prior in run(here, "query", "THERE", "--date", "19000101-").stdout
    fetched = run(here, "fetch", "THERE", prior)
    assert (fetched.returncode, fetched.stdout) == (0, "50 images came from THERE.\n"), fetched.stderr
    wait_for(lambda: digests(here, prior) == digests(there, prior), 30, "our index")
    assert {each.source_ae for each in here.box.storage.studies.instances(prior)} == {"THERE"}

    there.box.tokens.revoke("HERE")
    with pytest.raises(PeerError, match=r"THERE does not let us in \(401\)"):
        here.box.echo("THERE")
    for box in boxes:
        assert token not in box.logged()
