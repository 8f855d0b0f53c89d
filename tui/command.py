"""`pacsbox tui`."""

from __future__ import annotations

import click

from appliance.cli.context import Context, pass_context


@click.command()
@pass_context
def tui(context: Context) -> None:
    """Open the console."""
    # Late, so that the other commands don't pay for Textual.
    from tui.app import run

    run(context.box)
