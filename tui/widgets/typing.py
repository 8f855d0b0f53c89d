"""Keys are read faster than widgets take them in."""

from __future__ import annotations

import asyncio

from textual.widget import Widget


async def caught_up(widget: Widget) -> None:
    """Wait until `widget` has taken in every key that was pressed before now.

    A barcode reader, or a quick hand, sends letters and Enter in one burst; whoever binds Enter ahead of the
    widget (`priority=True`) has to let the letters arrive first.
    """
    done = asyncio.Event()
    widget.call_later(done.set)
    await done.wait()
