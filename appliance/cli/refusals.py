"""`pacsbox refusals`: who was turned away by DICOM, and letting them in."""

from __future__ import annotations

from dataclasses import asdict

import click
import orjson

from appliance.access.refusals import Refusal
from appliance.access.rights import in_short
from appliance.cli.context import Context, pass_context
from appliance.dicom.model import moment


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def refusals(command: click.Context, as_json: bool) -> None:
    """List who was turned away by DICOM lately, and why."""
    if command.invoked_subcommand:
        return
    context: Context = command.obj
    found = context.existing_box.refusals.all()
    if as_json:
        click.echo(orjson.dumps([asdict(each) for each in found], option=orjson.OPT_INDENT_2).decode())
        return
    for each in found:
        at = f"{moment(each.last).astimezone():%Y-%m-%d %H:%M}"
        times = f"{each.count} times" if each.count > 1 else "once"
        click.echo(f"{at}  {each.title or '-':<16}  {each.address:<15}  {times:<10}  {each.says}")
    if not found:
        click.echo("Nobody was turned away lately.")
    elif any(each.curable for each in found):
        click.echo("To let one in: pacsbox refusals allow AE_TITLE [ADDRESS]")


@refusals.command()
@click.argument("ae_title")
@click.argument("address", required=False)
@pass_context
def allow(context: Context, ae_title: str, address: str | None) -> None:
    """Let the caller AE_TITLE, at ADDRESS, do what it was refused: it becomes one of the peers."""
    found = _of(context, ae_title, address)
    peer = context.box.peers.allow(found)
    context.box.refusals.forget(*found)
    click.echo(f"{peer.name} ({peer.ae_title}) at {found[0].address} may {in_short(peer.rights)} here.")


@refusals.command()
@click.argument("ae_title", required=False)
@click.argument("address", required=False)
@pass_context
def forget(context: Context, ae_title: str | None, address: str | None) -> None:
    """Take the refusals of AE_TITLE, or all, off the list."""
    book = context.box.refusals
    book.forget(*(book.all() if ae_title is None else _of(context, ae_title, address)))


def _of(context: Context, ae_title: str, address: str | None) -> list[Refusal]:
    found = [each for each in context.box.refusals.all() if each.title == ae_title and address in (None, each.address)]
    if not found:
        raise ValueError(f"nobody of the AE title {ae_title!r} was turned away lately; see `pacsbox refusals`")
    if len({each.address for each in found}) > 1:
        raise ValueError(f"say which: {ae_title} called from {', '.join(sorted({each.address for each in found}))}")
    return found
