"""`pacsbox web`."""

from __future__ import annotations

import click

from appliance.cli.context import Context, pass_context, serving
from appliance.service import stop_on_signals


@click.command()
@pass_context
def web(context: Context) -> None:
    """Open the patient door and the clinic door."""
    # Late, so that the other commands don't pay for aiohttp and Jinja.
    from web.serve import run

    with serving(context, "web"):
        run(context.box, stop_on_signals())
