"""What staff do with transfers."""

from __future__ import annotations

import pytest

from appliance import events
from appliance.box import Box
from appliance.errors import NotFoundError
from appliance.storage.rows import TransferState
from tests.conftest import Fill
from tests.support.files import brainix


@pytest.fixture
def study(box: Box, fill: Fill) -> str:
    """The UID of a study of three images; there is a peer, too."""
    fill(brainix()[:3])
    box.peers.add("CLINIC-B", "CB", "127.0.0.1", 104)
    return next(box.storage.studies.study_uids())


def states_told(box: Box) -> list[str]:
    return [event.detail["state"] for event in box.storage.events.since(0) if event.kind == events.TRANSFER_CHANGED]


def test_a_study_is_queued_as_it_is_now(box: Box, study: str) -> None:
    transfer = box.transfers.enqueue(study, "clinic-b")
    assert (transfer.peer, transfer.state, transfer.total) == ("CLINIC-B", TransferState.QUEUED, 3)
    assert box.transfers.all() == [transfer]
    assert states_told(box) == ["queued"]


def test_unknown_peers_studies_and_transfers_are_said_so(box: Box, study: str) -> None:
    with pytest.raises(NotFoundError, match="no peer 'NOBODY'"):
        box.transfers.enqueue(study, "NOBODY")
    with pytest.raises(NotFoundError, match=r"no study 1\.2\.3"):
        box.transfers.enqueue("1.2.3", "CLINIC-B")
    with pytest.raises(NotFoundError, match="no transfer 7"):
        box.transfers.cancel(7)


def test_a_transfer_is_cancelled_once_and_may_be_tried_again(box: Box, study: str) -> None:
    transfer = box.transfers.enqueue(study, "CLINIC-B")
    assert not box.transfers.retry(transfer.id)
    assert box.transfers.cancel(transfer.id)
    assert not box.transfers.cancel(transfer.id)
    assert box.transfers.retry(transfer.id)
    assert box.transfers.get(transfer.id).state is TransferState.QUEUED
    assert states_told(box) == ["queued", "cancelled", "queued"]
