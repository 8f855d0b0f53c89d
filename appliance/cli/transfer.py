"""`pacsbox send`, `transfers` and `transfer`: the outgoing queue."""

from __future__ import annotations

import sys
import time

import click
import orjson

from appliance.box import Box
from appliance.cli.context import Context, pass_context
from appliance.commitment.words import proof
from appliance.storage.rows import Transfer, TransferState
from appliance.transfers.words import images

_LOOK = 0.2
"""Seconds between looks at a transfer that is waited for."""
_SETTLED = (TransferState.DONE, TransferState.CANCELLED)


@click.command()
@click.argument("study_uid")
@click.argument("peer")
@click.option("--wait", is_flag=True, help="Stay until it has arrived; exit status 1 when it has not.")
@pass_context
def send(context: Context, study_uid: str, peer: str, wait: bool) -> None:
    """Queue the study STUDY_UID for PEER; the sender does the rest."""
    transfer = context.box.transfers.enqueue(study_uid, peer)
    click.echo(f"Transfer {transfer.id}: {images(transfer.total)} to {transfer.peer}.")
    if not any(sign.up for sign in context.box.signs() if sign.name == "sender"):
        click.echo("The sender of this box is not running; they go out when it does.", err=True)
    if wait:
        _follow(context.box, transfer)


@click.command()
@click.option("--all", "everything", is_flag=True, help="Those that are done or cancelled too.")
@click.option("--limit", default=200, show_default=True, help="At most so many, newest first.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_context
def transfers(context: Context, everything: bool, limit: int, as_json: bool) -> None:
    """List the transfers that are on their way or failed."""
    found = [t for t in context.existing_box.transfers.all(limit) if everything or t.state not in _SETTLED]
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
        return
    if not found:
        click.echo("Nothing is on its way, and nothing failed." if not everything else "There are no transfers.")
    for transfer in found:
        click.echo(f"{transfer.id}  {transfer.study_instance_uid}  {_told(transfer)}")


@click.group(name="transfer")
def one() -> None:
    """Look at one transfer, try it again or stop it."""


@one.command()
@click.argument("number", type=int)
@pass_context
def show(context: Context, number: int) -> None:
    """How transfer NUMBER stands, and what was refused."""
    transfer = context.box.transfers.get(number)
    click.echo(f"{transfer.id}  {transfer.study_instance_uid}  {_told(transfer)}")
    for sop_instance_uid, reason in context.box.transfers.refusals(number):
        click.echo(f"  {sop_instance_uid}  {reason}")


@one.command()
@click.argument("number", type=int)
@pass_context
def retry(context: Context, number: int) -> None:
    """Try transfer NUMBER again now: what the peer has is not sent twice."""
    _say(context, number, context.box.transfers.retry(number), "is queued again", "neither failed nor cancelled")


@one.command()
@click.argument("number", type=int)
@pass_context
def cancel(context: Context, number: int) -> None:
    """Stop transfer NUMBER, after the image that is on its way."""
    _say(context, number, context.box.transfers.cancel(number), "is cancelled", "over already")


def _say(context: Context, number: int, done: bool, success: str, failure: str) -> None:
    if done:
        click.echo(f"Transfer {number} {success}.")
        return
    state = context.box.transfers.get(number).state
    click.echo(f"Transfer {number} is {state}: it is {failure}.", err=True)
    sys.exit(1)


def _follow(box: Box, transfer: Transfer) -> None:
    """Show how it goes until it is over."""
    shown = ""
    while True:
        transfer = box.transfers.get(transfer.id)
        # A terminal counts along; a log gets a line when something changes but the count.
        counted = sys.stdout.isatty()
        key = _told(transfer) if counted else f"{transfer.state}{transfer.message}"
        if key != shown:
            shown = key
            click.echo(f"\r\x1b[K{_told(transfer)}" if counted else _told(transfer), nl=not counted)
        if transfer.state.is_over:
            click.echo("", nl=counted)
            sys.exit(0 if transfer.state is TransferState.DONE else 1)
        time.sleep(_LOOK)


def _told(transfer: Transfer) -> str:
    counted = f"{transfer.peer}  {transfer.state}  {transfer.sent} of {transfer.total}"
    told = proof(transfer) if transfer.state is TransferState.DONE else ""
    return "  ".join(part for part in (counted, transfer.message, told) if part)
