"""`pacsbox doctor`, and what was set aside."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click
import orjson

from appliance.box import Box
from appliance.cli.context import Context, pass_context
from appliance.dicom import header, names
from appliance.errors import IndexUnavailableError, NotFoundError, UnreadableInstanceError
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
    spool = context.existing_box.spool("cli")
    _list(spool, spool.rejected, retry, lambda each: [f"it is {_told(each.entry.path)}"])


@click.command()
@click.option("--retry", is_flag=True, help="Give all of them to the indexer once more.")
@click.option("--discard", metavar="NAME", help="Delete one newcomer for good: the first one was right.")
@pass_context
def conflicts(context: Context, retry: bool, discard: str) -> None:
    """List received images that contradict one that is here, with the reason, and what is here."""
    box = context.existing_box
    spool = box.spool("cli")
    if discard:
        spool.discard(_named(spool, discard))
        click.echo(f"{discard} is deleted.")
        return
    _list(
        spool, spool.conflicts, retry, lambda each: [f"it is {_told(each.entry.path)}", f"here is {_here(box, each)}"]
    )


def _list(spool: Spool, folder: Path, retry: bool, about: Callable[[SetAside], list[str]]) -> None:
    waiting = spool.set_aside(folder)
    for each in waiting:
        click.echo(f"{each.entry.name}  {each.at}  {each.reason}")
        for line in about(each):
            click.echo(f"    {line}")
        if retry:
            spool.retry(each.entry)
    if not waiting:
        click.echo("There is nothing.")
    elif retry:
        click.echo(f"{len(waiting)} wait for the indexer again.")


def _told(path: Path) -> str:
    """Whose image it is, of what study, and where it came from."""
    try:
        about = header.read(path)
    except (UnreadableInstanceError, OSError):
        return "no image that can be read"
    study, origin = about.study, about.origin
    whose = f"{names.display(study['patient_name']) or '(no name)'} ({study['patient_id'] or 'no ID'})"
    what = f"{study['study_date']} {about.series['modality']} {study['study_description']}".strip()
    return f"{whose}, born {study['patient_birth_date'] or 'unknown'}: {what}, from {origin.source_ae or origin.via}"


def _here(box: Box, each: SetAside) -> str:
    """The image that the newcomer contradicts, or one of the study that it says to be of."""
    try:
        studies = box.storage.studies
        kept = studies.kept([each.sop_instance_uid]).get(each.sop_instance_uid)
        key = kept.blob_key if kept else studies.instances(header.read(each.entry.path).uids[0])[0].blob_key
        return _told(box.blobs.path(key))
    except IndexUnavailableError:
        return "unknown while the index cannot be used"
    except (UnreadableInstanceError, OSError, IndexError):
        return "nothing of it any more"


def _named(spool: Spool, name: str) -> SetAside:
    for each in spool.set_aside(spool.conflicts):
        if each.entry.name == name:
            return each
    raise NotFoundError(f"There is no conflict {name!r}.", "See `pacsbox conflicts`.")
