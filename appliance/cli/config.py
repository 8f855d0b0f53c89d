"""`pacsbox config`: what is in force, and what is wrong with it."""

from __future__ import annotations

import textwrap

import click

from appliance.cli.context import Context, pass_context
from appliance.config import options


@click.group()
def config() -> None:
    """Look at the configuration."""


@config.command()
@pass_context
def show(context: Context) -> None:
    """What is in force, and where each value came from."""
    section = ""
    for setting in context.settings:
        if setting.option.section != section:
            section = setting.option.section
            click.echo(f"\n[{section}]")
        click.echo(f"{f'{setting.option.name} = {setting.shown}':<44} # {setting.source}")


@config.command()
@pass_context
def check(context: Context) -> None:
    """Name every fault at once; exit status 2 when there is one."""
    click.echo(f"The configuration is sound: {len(context.settings)} options.")


@config.command(name="options")
def every_option() -> None:
    """Every option there is, with its default and its environment variable."""
    for option in options():
        click.echo(f"{option.key}  ({option.variable}, default {option.field.get_default(call_default_factory=True)})")
        click.echo(textwrap.indent(textwrap.fill(option.field.description or "", 90), "    "))
