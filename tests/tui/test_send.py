"""Sending a study: the peer, the progress, what hinders it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from appliance import events
from appliance.service import only_one
from appliance.storage.rows import TransferState
from tests.support.files import brainix
from tui.screens.worklist import WorklistScreen


@pytest.fixture
def study(box, fill) -> str:
    fill(brainix())
    return str(box.storage.studies.search("", 1)[0].study_instance_uid)


@pytest.fixture
def sender_up(box) -> Iterator[None]:
    """As far as the console can tell: the sender's place is taken."""
    with only_one(box.run_dir, "sender"):
        yield


async def to_the_dialog(console) -> None:
    await console.sees("BRAINIX")
    await console.press("enter", "t")
    await console.sees("Send to another clinic")


async def to_the_peer(console) -> None:
    await to_the_dialog(console)
    await console.sees("> CLINIC-B")


async def test_without_peers_it_says_how_to_add_one(opened, study):
    async with opened() as console:
        await to_the_dialog(console)
        await console.sees("The box knows nobody to send to yet.")
        await console.press("enter")
        await console.sees("Send to another clinic")
        await console.press("a")
        await console.sees("Add a peer")


async def test_sending_queues_the_study_for_the_chosen_peer(opened, box, study):
    box.peers.add("CLINIC-A", "A", "192.0.2.1", 104)
    box.peers.add("CLINIC-B", "B", "192.0.2.2", 104)
    async with opened() as console:
        await to_the_dialog(console)
        await console.sees("> CLINIC-A")
        await console.press("j", "enter", "enter")
        await console.sees("Sending to CLINIC-B")
        (transfer,) = box.transfers.all()
        assert (transfer.peer, transfer.study_instance_uid, transfer.total) == ("CLINIC-B", study, 44)
        await console.sees("The sender is down")


async def test_progress_moves_with_each_image(opened, box, study, sender_up):
    box.peers.add("CLINIC-B", "B", "192.0.2.2", 104)
    async with opened() as console:
        await to_the_peer(console)
        await console.press("enter")
        await console.sees("0 of 44 images")
        await console.sees("Waiting for its turn to go to CLINIC-B.")
        storage = box.storage
        with storage.transaction():
            transfer = storage.transfers.claim(events.now())
        took = []
        for done, item in enumerate(storage.transfers.pending(transfer.id)[:3], 1):
            with storage.transaction():
                storage.transfers.acknowledge(transfer.id, {item.sop_instance_uid: ""})
            took.append(await console.sees(f"{done} of 44 images"))
        assert min(took) < 1  # as soon as the machine lets it
        with storage.transaction():
            for item in storage.transfers.pending(transfer.id):
                storage.transfers.acknowledge(transfer.id, {item.sop_instance_uid: ""})
            storage.transfers.finish(transfer.id, TransferState.DONE)
        await console.sees("All 44 images arrived at CLINIC-B.")
        assert not console.row("c Stop sending")


async def test_what_hinders_it_is_told_and_r_tries_again(opened, box, study, sender_up):
    box.peers.add("CLINIC-B", "B", "192.0.2.2", 104)
    async with opened() as console:
        await to_the_peer(console)
        await console.press("enter")
        await console.sees("Waiting for its turn")
        storage = box.storage
        with storage.transaction():
            transfer = storage.transfers.claim(events.now())
            storage.transfers.finish(transfer.id, TransferState.FAILED, "CLINIC-B did not accept our AE title PACSBOX.")
        await console.sees("CLINIC-B did not accept our AE title PACSBOX.")
        await console.press("r")
        await console.sees("Waiting for its turn")
        assert box.transfers.get(transfer.id).state is TransferState.QUEUED


async def test_leaving_does_not_stop_it(opened, box, study, sender_up):
    box.peers.add("CLINIC-B", "B", "192.0.2.2", 104)
    async with opened() as console:
        await to_the_peer(console)
        await console.press("enter")
        await console.sees("Waiting for its turn")
        await console.press("escape")
        assert isinstance(console.app.screen, WorklistScreen)
        await console.sees("1 being sent")
        assert not box.transfers.all()[0].state.is_over


async def test_a_peer_that_is_added_from_here_can_be_chosen(opened, box, study):
    async with opened() as console:
        await to_the_dialog(console)
        await console.press("a")
        await console.sees("Add a peer")
        await console.fill_in("X", "XAE", "pacs.example", "104")
        await console.sees("> X", "XAE", "pacs.example:104")
