"""`pacsbox web`."""

from __future__ import annotations

import click

from appliance.cli.context import Context, pass_context, serving
from appliance.service import stop_on_signals
from appliance.shares.root import tell


@click.command()
@pass_context
def web(context: Context) -> None:
    """Open the patient door and the clinic door."""
    # Late, so that the other commands don't pay for aiohttp and Jinja.
    from web.serve import Doors, run

    box = context.box

    def ready(doors: Doors) -> None:
        tell(box.run_dir, box.config.web.public_url or doors.public)

    with serving(context, "web"):
        run(box, stop_on_signals(), ready)
