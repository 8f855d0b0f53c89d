"""The list of transfers: their state, trying again, stopping."""

from __future__ import annotations

import pytest

from appliance import events
from appliance.storage.rows import Transfer, TransferState
from tests.support.files import brainix


@pytest.fixture
def transfer(box, fill) -> Transfer:
    """A study on its way to CLINIC-B."""
    fill(brainix()[:5])
    box.peers.add("CLINIC-B", "B", "192.0.2.2", 104)
    return box.transfers.enqueue(box.storage.studies.search("", 1)[0].study_instance_uid, "CLINIC-B")


def fail(box, message: str) -> None:
    with box.storage.transaction():
        claimed = box.storage.transfers.claim(events.now())
        box.storage.transfers.finish(claimed.id, TransferState.FAILED, message)


async def test_shows_state_progress_peer_and_patient(opened, transfer):
    async with opened() as console:
        await console.press("f3")
        await console.sees("waiting", "0 of 5", "CLINIC-B", "BRAINIX")
        await console.sees("1 under way")


async def test_the_whole_message_of_the_chosen_one_is_read(opened, box, transfer):
    fail(box, "CLINIC-B did not accept our AE title PACSBOX. Ask them to add it, then try again.")
    async with opened() as console:
        await console.press("f3")
        await console.sees("failed", "0 of 5")
        shown = " ".join(console.text.split())
        assert "CLINIC-B did not accept our AE title PACSBOX. Ask them to add it, then try again." in shown


async def test_what_failed_is_tried_again(opened, box, transfer):
    fail(box, "No answer.")
    async with opened() as console:
        await console.press("f3")
        await console.sees("failed")
        assert not console.row("c Stop")
        await console.press("r")
        await console.sees("waiting", "0 of 5")
        assert box.transfers.get(transfer.id).state is TransferState.QUEUED


async def test_stopping_asks_first(opened, box, transfer):
    async with opened() as console:
        await console.press("f3")
        await console.sees("waiting")
        await console.press("c")
        await console.sees("Stop sending to CLINIC-B?")
        await console.press("n")
        assert box.transfers.get(transfer.id).state is TransferState.QUEUED
        await console.press("c")
        await console.sees("Stop sending to CLINIC-B?")
        await console.press("y")
        await console.sees("cancelled", "0 of 5")


async def test_stopping_what_ended_meanwhile_says_so(opened, box, transfer):
    async with opened() as console:
        await console.press("f3")
        await console.sees("waiting")
        await console.press("c")
        await console.sees("Stop sending")
        fail(box, "No answer.")
        await console.press("enter")
        await console.sees("It was over already.")


async def test_nothing_was_sent_yet(opened):
    async with opened() as console:
        await console.press("f3")
        await console.sees("Nothing was sent yet. Choose a study and press t.")
