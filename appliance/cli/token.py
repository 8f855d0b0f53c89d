"""`pacsbox token`: access of other programs to the clinic door."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

import click
import orjson

from appliance.access.scope import Permission
from appliance.access.tokens import DAYS, is_over
from appliance.cli.context import Context, pass_context
from appliance.dicom.model import moment
from appliance.storage.rows import Token


@click.group()
def token() -> None:
    """Let other programs use DICOMweb, and take it back."""


@token.command()
@click.argument("name")
@click.option("--may", multiple=True, required=True, help=f"What it is good for: {', '.join(Permission)}.")
@click.option("--days", type=int, default=DAYS, show_default=True, help="Days it lives.")
@click.option("--expires", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%d %H:%M"]), help="Its end, local time, instead.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_context
def create(
    context: Context, name: str, *, may: tuple[str, ...], days: int, expires: datetime | None, as_json: bool
) -> None:
    """Make a token for the program NAME; its text is shown this once."""
    end = expires.astimezone() if expires else None
    new = context.box.tokens.create(name, ",".join(may).split(","), days, end)
    if as_json:
        _print_json(asdict(new.token) | {"text": new.text})
        return
    click.echo(new.text)
    click.echo(f"{new.token.name} may {', '.join(new.token.may)} until {_local(new.token.expires)}.", err=True)
    click.echo("Keep the first line, it cannot be shown again. Programs send it as Authorization: Bearer ...", err=True)


@token.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_context
def show(context: Context, as_json: bool) -> None:
    """List all tokens, newest first."""
    found = context.existing_box.tokens.all()
    if as_json:
        _print_json([asdict(known) | {"status": _status(known)} for known in found])
        return
    for known in found:
        may = ", ".join(known.may)
        click.echo(f"{_status(known):<8}  until {_local(known.expires)}  {may:<22}  {known.name}")
    if not found:
        click.echo('There are no tokens yet. Make one: pacsbox token create "Reading room" --may query,retrieve')


@token.command()
@click.argument("name")
@pass_context
def revoke(context: Context, name: str) -> None:
    """End the token of the program NAME at once and for good."""
    context.box.tokens.revoke(name)
    click.echo(f"The token {name} is revoked: it opens nothing any more.")


def _status(known: Token) -> str:
    if known.revoked:
        return "revoked"
    return "expired" if is_over(known) else "in use"


def _local(time: str) -> str:
    return f"{moment(time).astimezone():%Y-%m-%d %H:%M}"


def _print_json(value: object) -> None:
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
