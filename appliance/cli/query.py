"""`pacsbox query` and `fetch`: what peers have, and bringing it here."""

from __future__ import annotations

import sys

import click
import orjson

from appliance.cli.context import Context, pass_context
from appliance.dicom.names import display
from appliance.peers.faults import PeerError
from appliance.priors import words
from appliance.priors.progress import Progress
from appliance.priors.search import RemoteStudy, Search


@click.command()
@click.argument("peer")
@click.option("--name", default="", help="Patient's name, or its beginning: müller anna.")
@click.option("--id", "patient_id", default="", help="Patient's ID.")
@click.option("--born", "birth_date", default="", help="Date of birth, YYYYMMDD.")
@click.option("--date", "dates", default="", help="Date of the study, YYYYMMDD, or a range such as 20200101- .")
@click.option("--modality", default="", help="Such as CT.")
@click.option("--accession", "accession_number", default="", help="Accession number.")
@click.option(
    "--like", metavar="STUDY_UID", default="", help="Other studies of the patient of this study, which is here."
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_context
def query(context: Context, /, peer: str, like: str, as_json: bool, **wanted: str) -> None:
    """Ask PEER which studies it has; exit status 1 when it does not answer."""
    priors = context.box.priors
    try:
        found = priors.of_patient(peer, like) if like else priors.look(peer, Search(**wanted))
    except PeerError as fault:
        click.echo(str(fault), err=True)
        sys.exit(1)
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
        return
    if not found:
        click.echo(f"{priors.peers.get(peer).name} has no such study.")
    for study in found:
        click.echo(_line(study))


@click.command()
@click.argument("peer")
@click.argument("study_uid")
@pass_context
def fetch(context: Context, peer: str, study_uid: str) -> None:
    """Bring the study STUDY_UID here from PEER; exit status 1 when not all of it came."""
    priors = context.box.priors
    told = _Told()
    try:
        done = priors.fetch(peer, study_uid, told.tell, lambda: False)
    except PeerError as fault:
        told.end()
        click.echo(str(fault), err=True)
        sys.exit(1)
    told.end()
    click.echo(words.fetched(priors.peers.get(peer).name, done))
    if not any(sign.up for sign in context.box.signs() if sign.name == "indexer"):
        click.echo("The indexer of this box is not running; the study appears when it does.", err=True)
    sys.exit(0 if done.arrived and not done.failed else 1)


class _Told:
    """Counts along on a terminal; a log gets the end alone."""

    def __init__(self) -> None:
        self._counted = sys.stdout.isatty()
        self._began = False

    def tell(self, progress: Progress) -> None:
        """How it stands."""
        if self._counted:
            self._began = True
            total = progress.arrived + progress.failed + progress.remaining
            click.echo(f"\r\x1b[K{progress.arrived} of {total}", nl=False)

    def end(self) -> None:
        """The line is over."""
        if self._began:
            click.echo("\r\x1b[K", nl=False)


def _line(study: RemoteStudy) -> str:
    count = f"{study.images} images" if study.images else ""
    here = f"{study.here} here" if study.here else ""
    told = (
        study.study_instance_uid,
        display(study.patient_name),
        study.patient_id,
        study.patient_birth_date,
        study.study_date,
        "/".join(study.modalities),
        study.study_description,
        count,
        here,
        f"({study.doubt})" if study.doubt else "",
    )
    return "  ".join(part for part in told if part)
