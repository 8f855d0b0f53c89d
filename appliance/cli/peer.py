"""`pacsbox peer`: the remote AEs that we send to."""

from __future__ import annotations

import sys

import click
import orjson

from appliance.cli.context import Context, pass_context
from appliance.peers.faults import PeerError


@click.group()
def peer() -> None:
    """Keep the list of peers, whom studies can be sent to."""


@peer.command()
@click.argument("name")
@click.argument("ae_title")
@click.argument("host")
@click.argument("port", type=int, default=104)
@pass_context
def add(context: Context, name: str, ae_title: str, host: str, port: int) -> None:
    """Add the peer NAME, which goes by AE_TITLE and listens on HOST and PORT (104)."""
    added = context.box.peers.add(name, ae_title, host, port)
    click.echo(f"{added.name} is added. Try it: pacsbox peer echo {_quoted(added.name)}")


@peer.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_context
def show(context: Context, as_json: bool) -> None:
    """List all peers."""
    found = context.box.peers.all()
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
        return
    if not found:
        click.echo("There are no peers yet. Add one: pacsbox peer add NAME AE_TITLE HOST [PORT]")
    for known in found:
        click.echo(f"{known.name}  {known.ae_title}  {known.host}  {known.port}")


@peer.command()
@click.argument("name")
@pass_context
def echo(context: Context, name: str) -> None:
    """Call the peer NAME by C-ECHO; exit status 1 when it does not answer as it should."""
    try:
        answer = context.box.echo(name)
    except PeerError as fault:
        click.echo(str(fault), err=True)
        sys.exit(1)
    click.echo(f"{context.box.peers.get(name).name} answers, in {answer.milliseconds:.0f} ms.")


@peer.command()
@click.argument("name")
@pass_context
def remove(context: Context, name: str) -> None:
    """Forget the peer NAME; what is still queued for it fails."""
    known = context.box.peers.get(name)
    context.box.peers.remove(known.name)
    click.echo(f"{known.name} is removed.")


def _quoted(name: str) -> str:
    return f"'{name}'" if " " in name else name
