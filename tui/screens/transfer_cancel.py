"""Stopping a transfer, after a question."""

from __future__ import annotations

from functools import partial
from typing import Any

from appliance.storage.rows import Transfer
from tui import words
from tui.screens.confirm import Confirm
from tui.screens.desk import Reading


def ask_and_cancel(screen: Reading[Any], transfer: Transfer) -> None:
    """Ask in front of `screen`; what has arrived already stays at the peer."""
    question = Confirm(
        f"Stop sending to {words.clean(transfer.peer)}?",
        f"{words.progress(transfer)} images have arrived there; they stay. You can send the rest later.",
        "Stop sending",
    )
    screen.app.push_screen(question, partial(_cancel, screen, transfer.id))


async def _cancel(screen: Reading[Any], number: int, sure: bool | None) -> None:
    if sure and await screen.change(lambda box: box.transfers.cancel(number)) is False:
        screen.say("It was over already.")
