"""`pacsbox tui`."""

from __future__ import annotations

import sys

import click

from appliance.cli.context import Context, pass_context
from appliance.errors import PacsboxError


@click.command()
@click.option("--leaving", default="", hidden=True, help="What closing the console ends besides itself.")
@pass_context
def tui(context: Context, leaving: str) -> None:
    """Open the console."""
    box = context.box
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise PacsboxError("The console needs a terminal.", "Everything else has a command: see `pacsbox --help`.")
    # Late, so that the other commands don't pay for Textual.
    from tui.app import run

    run(box, leaving)
