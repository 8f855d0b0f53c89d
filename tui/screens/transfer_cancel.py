"""Stopping a transfer, after a question."""

from __future__ import annotations

from typing import Any

from appliance.storage.rows import Transfer
from tui import words
from tui.screens.desk import Reading


def ask_and_cancel(screen: Reading[Any], transfer: Transfer) -> None:
    """Ask in front of `screen`; what has arrived already stays at the peer."""
    screen.ask_first(
        f"Stop sending to {words.clean(transfer.peer)}?",
        f"{words.progress(transfer)} images have arrived there; they stay. You can send the rest later.",
        "Stop sending",
        lambda: screen.run_worker(_cancel(screen, transfer.id)),
    )


async def _cancel(screen: Reading[Any], number: int) -> None:
    if await screen.change(lambda box: box.transfers.cancel(number)) is False:
        screen.say("It was over already.")
