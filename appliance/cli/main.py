"""`pacsbox`: finds the configuration, then hands on to one file per command group.

The commands are entry points (`pacsbox.commands` in pyproject.toml), so that one command does not wait for the
imports of all, and the core need not know `web` and `tui`, which bring their own.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import click

from appliance.cli.context import Context
from appliance.errors import PacsboxError


class Commands(click.Group):
    """Commands that are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return sorted(_entries())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One of them."""
        entry = _entries().get(cmd_name)
        return entry.load() if entry else None


def _entries() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group="pacsbox.commands")}


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pacsbox")
@click.option(
    "--config",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The configuration file; else PACSBOX_CONFIG names it.",
)
@click.pass_context
def cli(context: click.Context, path: Path | None) -> None:
    """A small box for small clinics: receives imaging studies, keeps them safe, hands them on."""
    context.obj = Context(path)


def main() -> None:
    """Run the command; our own errors are sentences for people, not tracebacks."""
    # What the box writes is patients' data: for its own account alone.
    os.umask(0o077)
    try:
        cli()
    except PacsboxError as fault:
        click.echo(f"pacsbox: {fault}", err=True)
        if fault.hint:
            click.echo(fault.hint, err=True)
        sys.exit(2)
    except ValueError as fault:
        click.echo(f"pacsbox: {fault}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
