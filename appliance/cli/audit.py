"""`pacsbox audit`: who read and wrote what."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

import click
import orjson

from appliance import events
from appliance.access.journal import OK
from appliance.cli.context import Context, pass_context
from appliance.dicom.model import moment
from appliance.storage.rows import AuditRow


@click.command()
@click.option("--study", default="", metavar="UID", help="Of this study alone.")
@click.option("--who", default="", help='Of one who asked, as listed: "token Reading room", "AE CT1".')
@click.option("--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%d %H:%M"]), help="From this local time on.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="Rows at most.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_context
def audit(context: Context, *, study: str, who: str, since: datetime | None, limit: int, as_json: bool) -> None:
    """List who read and wrote what by DICOMweb and DICOM, newest first; like requests of a moment are one row."""
    begin = events.stamp(since) if since else ""
    rows = context.existing_box.storage.audit.rows(study_instance_uid=study, who=who, since=begin, limit=limit)
    if as_json:
        click.echo(orjson.dumps([asdict(row) for row in rows], option=orjson.OPT_INDENT_2).decode())
        return
    for row in rows:
        click.echo(_line(row))
    if not rows:
        click.echo("Nothing was read or written yet that fits.")


def _line(row: AuditRow) -> str:
    when = f"{moment(row.last).astimezone():%Y-%m-%d %H:%M:%S}"
    what = f"{row.action} {row.resource}"
    outcome = "" if row.outcome == OK else f"  REFUSED ({row.outcome})"
    who = f"{row.who} ({row.address})" if row.address else row.who
    return f"{when}  {who:<32}  {what:<20}  {row.items:>6}  {row.study_instance_uid}{outcome}".rstrip()
