"""Commands over archive and index."""

from __future__ import annotations

import sys

import click
import orjson

from appliance.archive.reindex import Report
from appliance.cli.context import Context, pass_context
from appliance.dicom import names
from appliance.service import only_one


@click.command()
@click.argument("words", nargs=-1)
@click.option("--limit", default=50, show_default=True, help="At most so many, newest first.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_context
def studies(context: Context, words: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List studies in whose name, ID, date or description all WORDS occur."""
    found = context.existing_box.storage.studies.search(" ".join(words), limit)
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
        return
    for study in found:
        modalities = ",".join(study.modalities_in_study)
        images = study.number_of_study_related_instances
        click.echo(
            f"{study.study_instance_uid}  {names.display(study.patient_name) or '(no name)'}"
            f" ({study.patient_id or 'no ID'})  born {study.patient_birth_date or 'unknown'}"
            f"  {study.study_date or '(no date)'}  {modalities}  {study.study_description or '(no description)'}"
            f"  {images} {'image' if images == 1 else 'images'}"
        )
    if not found:
        click.echo("There is no such study." if words else "There are no studies yet.", err=True)


@click.command(name="reindex")
@pass_context
def rebuild(context: Context) -> None:
    """Rebuild the index from the archive; the indexer must be stopped, receiving may go on.

    If the index is missing or damaged, all that the archive doesn't know comes back from the last snapshot.
    """
    box = context.box
    with only_one(box.run_dir, "indexer"):
        report = box.rebuild.run(_progress)
    click.echo(f"\r{report.studies} studies with {report.instances} images are in the index.", nl=True)
    if report.restored:
        click.echo(
            f"Shares, peers, tokens, transfers and the audit are as of {report.restored:%Y-%m-%d %H:%M} UTC:"
            " links that were made after that don't open, and those that were revoked after that open again."
        )
    elif report.made_anew:
        click.echo("There was no snapshot: shares, peers, tokens, transfers and the audit are lost.")
    if report.gone:
        click.echo(f"{report.gone} studies were forgotten: the archive has no file of them.")
    for fault in report.faults:
        click.echo(f"not entered: {fault}", err=True)
    for fault in report.cut:
        click.echo(f"damaged: {fault}", err=True)
    sys.exit(1 if report.faults or report.cut else 0)


def _progress(report: Report) -> None:
    if sys.stdout.isatty():
        click.echo(f"\r{report.studies} studies, {report.instances} images ...", nl=False)
