"""`pacsbox peer`: the remote AEs that we send to, and what they may do when they call."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click
import orjson

from appliance.access.rights import in_short
from appliance.cli.context import Context, pass_context
from appliance.peers.faults import PeerError
from appliance.storage.rows import Right

F = TypeVar("F", bound=Callable[..., Any])


def _options(command: F) -> F:
    """What `add` and `change` have in common."""
    for option in reversed(
        (
            click.option(
                "--may", multiple=True, help=f"What it may do: {', '.join(Right)}, everything (as new ones) or nothing."
            ),
            click.option(
                "--from", "calls_from", multiple=True, help="A further address or network that it calls from."
            ),
            click.option("--calls-us", help="An AE title that it may call us by, beside our own."),
            click.option("--fingerprint", help="SHA-256 of its only certificate; it must then call by TLS."),
            click.option("--tls/--plain", default=None, help="Whether we call it by TLS."),
            click.option("--character-set", help="Of what it sends without one, such as ISO_IR 100."),
            click.option(
                "--override-character-set/--keep-character-set",
                "overrides_character_set",
                default=None,
                help="Take that also where it says another.",
            ),
        )
    ):
        command = option(command)
    return command


def _given(**options: Any) -> dict[str, Any]:
    """Options that were said, as fields of a peer."""
    found = {name: value for name, value in options.items() if value not in (None, ())}
    if "may" in found:
        found["rights"] = tuple(",".join(found.pop("may")).split(","))
    return found


@click.group()
def peer() -> None:
    """Keep the list of peers, whom studies can be sent to."""


@peer.command()
@click.argument("name")
@click.argument("ae_title")
@click.argument("host")
@click.argument("port", type=int, default=104)
@_options
@pass_context
def add(context: Context, /, name: str, ae_title: str, host: str, port: int, **options: Any) -> None:
    """Add the peer NAME, which goes by AE_TITLE and listens on HOST and PORT (104)."""
    added = context.box.peers.add(name, ae_title, host, port, **_given(**options))
    click.echo(f"{added.name} is added; it may {in_short(added.rights)} here.")
    click.echo(f"Try it: pacsbox peer echo {_quoted(added.name)}")


@peer.command()
@click.argument("name")
@click.option("--ae-title", help="Its AE title.")
@click.option("--host", help="Where it listens.")
@click.option("--port", type=int, help="Where it listens.")
@_options
@pass_context
def change(context: Context, /, name: str, **options: Any) -> None:
    """Change what is said of the peer NAME; an empty value takes it away."""
    changed = context.box.peers.change(name, **_given(**options))
    click.echo(f"{changed.name} is changed; it may {in_short(changed.rights)} here.")


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
        tls = "  by TLS" if known.tls else ""
        where = f"{known.name}  {known.ae_title}  {known.host}  {known.port}"
        click.echo(f"{where}  may {in_short(known.rights)}{tls}")


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
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_context
def discover(context: Context, as_json: bool) -> None:
    """List the DICOM devices that announce themselves on the network (DNS-SD); nothing is added."""
    # Late: a library of its own.
    from appliance.discovery.neighbours import listen

    found = listen(context.config.dicom.bind)
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
        return
    for each in found:
        tls = "  by TLS" if each.tls else ""
        click.echo(f"{each.ae_title:<16}  {each.host}  {each.port}{tls}{f'  {each.device}' if each.device else ''}")
    if not found:
        click.echo("No DICOM device announces itself here; most don't.")


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
