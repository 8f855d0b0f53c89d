"""The services, each a process of its own, and `up`, which runs all of them in the foreground."""

from __future__ import annotations

import click

from appliance import log
from appliance.cli.context import Context, pass_context, serving
from appliance.service import stop_on_signals


@click.command()
@pass_context
def receiver(context: Context) -> None:
    """Take in images by DICOM (C-ECHO, C-STORE)."""
    stop = stop_on_signals()
    # First: it takes its time to import, and who is told that we are up calls at once.
    made = context.box.receiver()
    with serving(context, "receiver"):
        made.run(stop)


@click.command()
@pass_context
def indexer(context: Context) -> None:
    """Bring received images into archive and index, and keep the orders true."""
    with serving(context, "indexer"), context.box.keeper().running():
        context.box.indexer().run(stop_on_signals())


@click.command()
@pass_context
def sender(context: Context) -> None:
    """Send queued studies to peers, ask whether they keep them, and tell those who ask what is kept here."""
    stop = stop_on_signals()
    with serving(context, "sender"), context.box.proof_of_storage():
        context.box.sender().run(stop)


@click.command()
@click.option("--tui", is_flag=True, help="Open the console too; leaving it ends everything.")
@pass_context
def up(context: Context, tui: bool) -> None:
    """Run all services in the foreground, for trials and development; Ctrl-C ends them."""
    # Late: no command waits for what only another needs.
    from appliance import supervise

    log.to_stderr(context.config.log.level, "up")
    supervise.up(context.box, context.path, console=tui)


@click.command()
@click.option("--tui", is_flag=True, help="Open the console too; leaving it ends everything.")
def demo(tui: bool) -> None:
    """Try everything: a throw-away box with sample studies, and a second box as a peer."""
    log.to_stderr("info", "demo")
    from appliance import demo as trial

    trial.run(console=tui)
