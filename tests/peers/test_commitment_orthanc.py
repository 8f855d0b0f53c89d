"""Storage commitment with Orthanc, both ways, with instances that are missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.box import Box
from appliance.config import load
from appliance.storage.rows import CommitmentState, Peer, Proof, Transfer, TransferState
from tests.conftest import Fill
from tests.support.files import brainix
from tests.support.orthanc import Orthanc, orthanc
from tests.support.programs import free_port
from tests.support.scp import uids
from tests.support.sending import at_work, over
from tests.support.waiting import wait_for


@pytest.fixture
def config(tmp_path: Path) -> Any:
    """On a port that Orthanc can be told beforehand."""
    environment = {
        "PACSBOX_DATA_DIR": str(tmp_path / "box"),
        "PACSBOX_DICOM_BIND": "127.0.0.1",
        "PACSBOX_DICOM_PORT": str(free_port()),
        "PACSBOX_DICOM_TLS_PORT": "0",
    }
    return load(environment=environment)[0]


@pytest.fixture
def other(box: Box, tmp_path: Path) -> Iterator[Orthanc]:
    """Orthanc and our receiver, who know each other."""
    ours = Peer("PACSBOX", "PACSBOX", "127.0.0.1", box.config.dicom.port)
    with orthanc(tmp_path / "orthanc", {"pacsbox": ours}) as found:
        peer = found.peer
        box.peers.add(peer.name, peer.ae_title, peer.host, peer.port)
        receiver = box.receiver()
        receiver.start()
        try:
            yield found
        finally:
            receiver.stop()


def sent(box: Box, fill: Fill, paths: list[Path]) -> Transfer:
    """A transfer to Orthanc that is done, with nobody asked yet."""
    fill(paths)
    (study,) = box.storage.studies.study_uids()
    with at_work(box.sender()):
        return over(box, box.transfers.enqueue(study, "CLINIC-B"))


def settled(box: Box, transfer: Transfer) -> Transfer:
    def look() -> Transfer | None:
        found = box.transfers.get(transfer.id)
        return found if found.proof in (Proof.CONFIRMED, Proof.INCOMPLETE, Proof.UNANSWERED) else None

    return wait_for(look, 60, "the proof")


def test_orthanc_confirms_what_it_keeps(box: Box, fill: Fill, other: Orthanc) -> None:
    transfer = sent(box, fill, brainix()[:5])
    assert transfer.proof is Proof.ASKING
    with box.proof_of_storage():
        found = settled(box, transfer)
    assert (found.state, found.proof, found.resent) == (TransferState.DONE, Proof.CONFIRMED, 0)


def test_what_orthanc_has_lost_is_sent_again_and_nothing_else(box: Box, fill: Fill, other: Orthanc) -> None:
    transfer = sent(box, fill, brainix()[:5])
    lost = uids(brainix()[2])[1]
    changes = other.get("/changes?last")["Last"]
    other.delete(f"/instances/{other.instances()[lost]}")
    with box.proof_of_storage(), at_work(box.sender()):
        found = settled(box, transfer)
    assert (found.state, found.proof, found.sent, found.resent) == (TransferState.DONE, Proof.CONFIRMED, 5, 1)
    assert len(other.instances()) == 5
    news = other.get(f"/changes?since={changes}&limit=100")["Changes"]
    assert [change["ChangeType"] for change in news].count("NewInstance") == 1


def committed(other: Orthanc, instances: list[str]) -> dict[str, Any]:
    """Orthanc asks us, and hears the answer."""
    asked = other.post("/modalities/pacsbox/storage-commitment", {"Resources": instances})

    def look() -> dict[str, Any] | None:
        report: dict[str, Any] = other.get(f"/storage-commitment/{asked['ID']}")
        return report if report["Status"] != "Pending" else None

    return wait_for(look, 60, "our report")


def drain(box: Box) -> None:
    while box.indexer().drain_batch():
        pass


def test_we_tell_orthanc_what_we_keep_and_what_is_missing(box: Box, other: Orthanc) -> None:
    known = [other.post("/instances", path.read_bytes())["ID"] for path in brainix()[:3]]
    other.post("/modalities/pacsbox/store", known[:2])
    with box.proof_of_storage():
        # It asks while what it has sent is not indexed yet.
        asked = other.post("/modalities/pacsbox/storage-commitment", {"Resources": known[:2]})
        assert other.get(f"/storage-commitment/{asked['ID']}")["Status"] == "Pending"
        drain(box)
        report = wait_for(
            lambda: (
                found if (found := other.get(f"/storage-commitment/{asked['ID']}"))["Status"] != "Pending" else None
            ),
            60,
            "our report",
        )
        assert report["Status"] == "Success"
        assert len(report["Success"]) == 2
        failure = committed(other, known)
    assert failure["Status"] == "Failure"
    assert len(failure["Success"]) == 2
    ((missing,), (reason,)) = (
        [item["SOPInstanceUID"] for item in failure["Failures"]],
        [item["FailureReason"] for item in failure["Failures"]],
    )
    assert (missing, reason) == (uids(brainix()[2])[1], 0x0112)
    states = [(row.state, row.total, row.failed) for row in box.storage.commitments.all()]
    assert states == [(CommitmentState.REPORTED, 3, 1), (CommitmentState.REPORTED, 2, 0)]
