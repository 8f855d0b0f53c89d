"""`pacsbox`: finds the configuration, then hands on to one file per command group."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from pathlib import Path

import click

from appliance.cli import archive, config, doctor, peer, service, share, token, transfer
from appliance.cli.context import Context
from appliance.errors import PacsboxError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
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


# web and tui bring their own commands by entry point: the core doesn't know them.
for entry in sorted(entry_points(group="pacsbox.commands"), key=lambda entry: entry.name):
    cli.add_command(entry.load())
for group in (service, config, share, peer, token, transfer, archive, doctor):
    for command in group.COMMANDS:
        cli.add_command(command)


def main() -> None:
    """Run the command; our own errors are sentences for people, not tracebacks."""
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
