"""`pacsbox staff`: who may log in at the clinic door."""

from __future__ import annotations

import sys

import click
import orjson

from appliance.access.passwords import SHORTEST
from appliance.access.scope import Permission
from appliance.access.staff import LOOKING
from appliance.cli.context import Context, pass_context
from appliance.storage.rows import Person

_MAY = f"What they may do: {', '.join(Permission)}."


@click.group()
def staff() -> None:
    """Let people log in at the clinic door with a browser, and shut them out again."""


@staff.command()
@click.argument("name")
@click.option("--may", multiple=True, default=LOOKING, help=f"{_MAY} Without it: {', '.join(LOOKING)}.")
@pass_context
def add(context: Context, name: str, may: tuple[str, ...]) -> None:
    """Add NAME; the password is asked for, or is the first line of what is piped in."""
    person = context.box.staff.add(name, _password(), ",".join(may).split(","))
    click.echo(f"{person.name} may {', '.join(person.may)}, by name and password at the clinic door.")


@staff.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_context
def show(context: Context, as_json: bool) -> None:
    """List everybody."""
    found = context.existing_box.staff.all()
    if as_json:
        click.echo(orjson.dumps([_row(person) for person in found], option=orjson.OPT_INDENT_2).decode())
        return
    for person in found:
        click.echo(f"{'shut out' if person.disabled else 'let in':<8}  {', '.join(person.may):<22}  {person.name}")
    if not found:
        click.echo('There is nobody yet. Add somebody: pacsbox staff add "Anna Berg"')


@staff.command()
@click.argument("name")
@pass_context
def password(context: Context, name: str) -> None:
    """Give NAME another password; their sessions end."""
    person = context.box.staff.get(name)
    context.box.staff.set_password(person.name, _password())
    click.echo(f"{person.name} has a new password, and must log in again.")


@staff.command()
@click.argument("name")
@click.option("--may", multiple=True, required=True, help=_MAY)
@pass_context
def allow(context: Context, name: str, may: tuple[str, ...]) -> None:
    """Say anew what NAME may do; it counts at once."""
    person = context.box.staff.allow(name, ",".join(may).split(","))
    click.echo(f"{person.name} may {', '.join(person.may)}.")


@staff.command()
@click.argument("name")
@pass_context
def disable(context: Context, name: str) -> None:
    """Shut NAME out at once."""
    click.echo(f"{context.box.staff.disable(name).name} is shut out. Let in again by: pacsbox staff enable")


@staff.command()
@click.argument("name")
@pass_context
def enable(context: Context, name: str) -> None:
    """Let NAME in again, by the password that they have."""
    click.echo(f"{context.box.staff.enable(name).name} may log in again.")


@staff.command()
@click.argument("name")
@pass_context
def remove(context: Context, name: str) -> None:
    """Remove NAME at once and for good; what they did stays in the audit."""
    click.echo(f"{context.box.staff.remove(name).name} is removed.")


def _password() -> str:
    """Typed twice, unseen; or piped in. Never an argument: those are in the history and in the list of processes."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt(f"Password, {SHORTEST} characters or more", hide_input=True, confirmation_prompt=True))


def _row(person: Person) -> dict[str, object]:
    may = list(person.may)
    return {"name": person.name, "may": may, "created": person.created, "disabled": person.disabled}
