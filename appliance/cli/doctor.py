"""`pacsbox doctor`, and what was set aside."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import orjson

from appliance.cli.context import Context, pass_context
from appliance.errors import NotFoundError
from appliance.health.doctor import examine
from appliance.health.finding import Severity
from appliance.spool.spool import SetAside, Spool

_MARK = {Severity.OK: "ok     ", Severity.NOTE: "note   ", Severity.PROBLEM: "PROBLEM"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_context
def doctor(context: Context, as_json: bool) -> None:
    """See what is well and what is not, and what to do; exit status 1 when something needs a person."""
    findings = examine(context.box)
    if as_json:
        click.echo(orjson.dumps(findings, option=orjson.OPT_INDENT_2))
    else:
        click.echo(f"The box in {context.box.data_dir}")
        for finding in findings:
            click.echo(f"{_MARK[finding.severity]}  {finding.about:<10} {finding.says}")
            if finding.advice:
                click.echo(f"{'':<20} {finding.advice}")
    sys.exit(1 if any(finding.severity is Severity.PROBLEM for finding in findings) else 0)


@click.command()
@click.option("--retry", is_flag=True, help="Give all of them to the indexer once more.")
@pass_context
def rejected(context: Context, retry: bool) -> None:
    """List received files that could not be indexed, with the reason."""
    spool = context.box.spool("cli")
    _list(spool, spool.rejected, retry)


@click.command()
@click.option("--retry", is_flag=True, help="Give all of them to the indexer once more.")
@click.option("--discard", metavar="NAME", help="Delete one newcomer for good: the first one was right.")
@pass_context
def conflicts(context: Context, retry: bool, discard: str) -> None:
    """List received images that contradict one that is here, with the reason."""
    spool = context.box.spool("cli")
    if discard:
        spool.discard(_named(spool, discard))
        click.echo(f"{discard} is deleted.")
        return
    _list(spool, spool.conflicts, retry)


def _list(spool: Spool, folder: Path, retry: bool) -> None:
    waiting = spool.set_aside(folder)
    for each in waiting:
        click.echo(f"{each.entry.name}  {each.at}  {each.reason}")
        if retry:
            spool.retry(each.entry)
    if not waiting:
        click.echo("There is nothing.")
    elif retry:
        click.echo(f"{len(waiting)} wait for the indexer again.")


def _named(spool: Spool, name: str) -> SetAside:
    for each in spool.set_aside(spool.conflicts):
        if each.entry.name == name:
            return each
    raise NotFoundError(f"There is no conflict {name!r}.", "See `pacsbox conflicts`.")
