"""The sender at work in a thread of the test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from appliance.box import Box
from appliance.storage.rows import Transfer, TransferState
from appliance.transfers.sender import Sender
from tests.support.waiting import wait_for


@contextmanager
def at_work(sender: Sender) -> Iterator[None]:
    """`sender` works through the queue for as long as the block."""
    stop = threading.Event()
    thread = threading.Thread(target=sender.run, args=(stop,), name="sender")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def over(box: Box, transfer: Transfer, seconds: float = 60.0) -> Transfer:
    """The transfer once nothing more happens to it."""
    return wait_for(
        lambda: found if (found := box.transfers.get(transfer.id)).state.is_over else None,
        seconds,
        "the transfer's end",
    )


def put_off(box: Box, transfer: Transfer) -> Transfer:
    """The transfer once it is queued for another try."""
    return wait_for(
        lambda: (
            found if (found := box.transfers.get(transfer.id)).state is TransferState.QUEUED and found.message else None
        ),
        what="another try",
    )
