"""`pacsbox peer`: the AEs and DICOMweb servers that we send to, and what AEs may do when they call."""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import orjson

from appliance.access.rights import in_short
from appliance.cli.context import Context, pass_context
from appliance.peers.faults import PeerError
from appliance.storage.rows import Peer, Right

F = TypeVar("F", bound=Callable[..., Any])

_OF_CALLERS = ("may", "calls_from", "calls_us", "tls")
"""Options about calls by DICOM, which a DICOMweb server does not make."""


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
            click.option("--url", help="Of a DICOMweb server: https://pacs.clinic.example/dicom-web."),
            click.option("--token", help="A file with the bearer token that it asks for; - to type it."),
            click.option("--user", help="The name that it asks for; the password is asked for here."),
            click.option("--password", help="A file with the password; - to type it."),
            click.option("--ca", help="A file with the CA (PEM) that alone may vouch for it."),
        )
    ):
        command = option(command)
    return command


def _given(**options: Any) -> dict[str, Any]:
    """Options that were said, as fields of a peer; `secret` is the token or password."""
    found = {name: value for name, value in options.items() if value not in (None, ())}
    if "may" in found:
        found["rights"] = tuple(",".join(found.pop("may")).split(","))
    if (path := found.pop("ca", None)) is not None:
        found["authority"] = _file(path, "certificate") if path else ""
    return found | _secret(found)


def _secret(found: dict[str, Any]) -> dict[str, Any]:
    """What a DICOMweb server asks for, out of `found`."""
    token, password = found.pop("token", None), found.pop("password", None)
    if token is not None and (password is not None or found.get("user")):
        raise click.UsageError("A server asks for a token, or for a user and password: give one of them.")
    if token is not None:
        return {"user": "", "secret": _read(token, "token")}
    if password is not None or found.get("user"):
        return {"secret": _read("-" if password is None else password, "password")}
    return {}


def _read(source: str, what: str) -> str:
    """A secret from a file, from who sits there, or from a pipe; never from the command line, which others can see."""
    if source != "-":
        return _file(source, what).strip() if source else ""
    if sys.stdin.isatty():
        return str(click.prompt(what.capitalize(), hide_input=True))
    return sys.stdin.readline().strip()


def _file(path: str, what: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise click.UsageError(f"Give a file that holds the {what}: {path!r} cannot be read.") from fault


@click.group()
def peer() -> None:
    """Keep the list of peers, whom studies can be sent to."""


@peer.command()
@click.argument("name")
@click.argument("ae_title", required=False)
@click.argument("host", required=False)
@click.argument("port", type=int, default=104)
@_options
@pass_context
def add(context: Context, /, name: str, ae_title: str | None, host: str | None, port: int, **options: Any) -> None:
    """Add the peer NAME, which goes by AE_TITLE and listens on HOST and PORT (104); or a DICOMweb server, by --url."""
    if options["url"]:
        if ae_title or any(options[option] not in (None, ()) for option in _OF_CALLERS):
            raise click.UsageError("A DICOMweb server has no AE title, and does not call by DICOM.")
        added = context.box.peers.add_web(name, **_given(**options))
        click.echo(f"{added.name} is added.")
        _warn(context, added)
    elif ae_title and host:
        given = _given(**options)
        if unfit := {"secret", "user", "authority"} & given.keys():
            raise click.UsageError(f"Without --url there is no {unfit.pop()}.")
        added = context.box.peers.add(name, ae_title, host, port, **given)
        click.echo(f"{added.name} is added; it may {in_short(added.rights)} here.")
        _warn(context, added)
    else:
        raise click.UsageError("Say where it is: AE_TITLE HOST [PORT], or --url.")
    click.echo(f"Try it: pacsbox peer test {_quoted(added.name)}")


def _warn(context: Context, peer: Peer) -> None:
    if peer.fingerprint and not peer.url and not context.box.identity.trusts(peer.fingerprint):
        click.echo(
            f"It cannot call us before we have its certificate: pacsbox tls pin {_quoted(peer.name)}, or tls import.",
            err=True,
        )
    if peer.credential and not peer.tls and not _is_here(peer.host):
        what = "password" if peer.user else "token"
        click.echo(f"Its {what} goes over the network readable by others: use https:// if there is any.", err=True)


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


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
    may = "" if changed.url else f"; it may {in_short(changed.rights)} here"
    click.echo(f"{changed.name} is changed{may}.")
    _warn(context, changed)


@peer.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_context
def show(context: Context, as_json: bool) -> None:
    """List all peers."""
    found = context.existing_box.peers.all()
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
        return
    if not found:
        click.echo("There are no peers yet. Add one: pacsbox peer add NAME AE_TITLE HOST [PORT]")
    for known in found:
        click.echo(_server(known) if known.url else _ae(known))


def _ae(peer: Peer) -> str:
    tls = "  by TLS" if peer.tls else ""
    return f"{peer.name}  {peer.ae_title}  {peer.host}  {peer.port}  may {in_short(peer.rights)}{tls}"


def _server(peer: Peer) -> str:
    we_are = "a token" if peer.credential else "nothing"
    return f"{peer.name}  {peer.title}  {peer.url}  asks for {f'user {peer.user}' if peer.user else we_are}"


def _test(context: Context, name: str) -> None:
    try:
        answer = context.box.echo(name)
    except PeerError as fault:
        click.echo(str(fault), err=True)
        sys.exit(1)
    click.echo(f"{context.box.peers.get(name).name} answers, in {answer.milliseconds:.0f} ms.")


@peer.command()
@click.argument("name")
@pass_context
def test(context: Context, name: str) -> None:
    """Ask the peer NAME whether it answers: by C-ECHO, a DICOMweb server by a query; exit status 1 when it doesn't."""
    _test(context, name)


@peer.command()
@click.argument("name")
@pass_context
def echo(context: Context, name: str) -> None:
    """The same as `test`."""
    _test(context, name)


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
