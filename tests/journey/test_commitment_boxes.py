"""Two boxes, by TLS: one sends, asks and is told; the other keeps, and tells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import events
from appliance.dicom.model import Origin
from appliance.storage.rows import CommitmentState, Proof, Transfer
from tests.support.boxes import RunningBox
from tests.support.files import brainix
from tests.support.programs import free_port
from tests.support.waiting import wait_for


@pytest.fixture
def boxes(tmp_path: Path) -> Iterator[tuple[RunningBox, RunningBox]]:
    """They know each other by address and certificate."""
    here, there = (Secure(tmp_path / name, name) for name in ("HERE", "THERE"))
    for box in (here, there):
        box.box.identity.make()
    for box, other in ((here, there), (there, here)):
        certificate = box.box.identity.trust(other.box.identity.pem())
        box.box.peers.add(
            other.name, other.name, "127.0.0.1", other.tls_port, tls=True, fingerprint=certificate.fingerprint
        )
    for box in (here, there):
        box.start("receiver", "indexer", "sender")
    yield here, there
    here.stop()
    there.stop()


class Secure(RunningBox):
    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.tls_port = free_port()
        super().__init__(folder, name, PACSBOX_DICOM_TLS="only", PACSBOX_DICOM_TLS_PORT=str(self.tls_port))
        self.answers_at = self.tls_port


def test_a_box_confirms_to_another(boxes: tuple[RunningBox, RunningBox]) -> None:
    here, there = boxes
    for path in brainix()[:5]:
        with path.open("rb") as file:
            here.box.spool("receiver").keep(file, Origin("C-STORE", "MR", "HERE", "127.0.0.1", events.now()))
    study = wait_for(lambda: next(iter(here.box.storage.studies.study_uids()), ""), 30, "the study")
    wait_for(here.is_drained, 30)
    number = here.box.transfers.enqueue(study, "THERE").id

    def confirmed() -> Transfer | None:
        transfer = here.box.transfers.get(number)
        return transfer if transfer.proof is Proof.CONFIRMED else None

    assert wait_for(confirmed, 60, "the other box's word").sent == 5
    (asked,) = wait_for(
        lambda: [row for row in there.box.storage.commitments.all() if row.state is CommitmentState.REPORTED], 30
    )
    assert (asked.ae_title, asked.called, asked.total, asked.failed) == ("HERE", "THERE", 5, 0)
