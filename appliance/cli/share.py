"""`pacsbox share`: patients' links."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import click
import orjson

from appliance.cli.context import Context, pass_context
from appliance.dicom.model import moment
from appliance.dicom.names import display
from appliance.shares.qr import half_blocks
from appliance.shares.root import is_only_here
from appliance.shares.sharing import NewShare, Status
from appliance.storage.rows import Share


@click.group()
def share() -> None:
    """Give patients access to a study, and take it back."""


@share.command()
@click.argument("study_uid")
@click.option("--days", type=int, help="Days the link lives; else what the configuration says.")
@click.option("--pin", help="A PIN of your choice, 6 to 12 digits; else one is made.")
@click.option("--no-pin", is_flag=True, help="No PIN: whoever has the link sees the images.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_context
def create(context: Context, study_uid: str, *, days: int | None, pin: str | None, no_pin: bool, as_json: bool) -> None:
    """Make a link to the study STUDY_UID; link and PIN are shown this once."""
    if pin is not None and no_pin:
        raise click.UsageError("--pin and --no-pin exclude each other.")
    new = context.box.sharing.create(study_uid, days, pin, no_pin=no_pin)
    if as_json:
        _print_json({"share": new.share.id, "link": new.link, "pin": new.pin, "expires": new.share.expires})
    else:
        _hand_over(new)


def _hand_over(new: NewShare) -> None:
    for line in half_blocks(new.link):
        # Colours of its own: on a light terminal the code would be its own negative.
        click.secho(line, fg="bright_white", bg="black")
    click.echo(f"\nLink     {new.link}")
    click.echo(f"PIN      {new.pin or 'none: whoever has the link sees the images'}")
    click.echo(f"Expires  {_local(new.share.expires)}")
    click.echo(f"Share    {new.share.id}")
    if is_only_here(new.link):
        click.echo("No phone can open this link: the box has no public address yet (web.public_url).", err=True)


@share.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_context
def show(context: Context, as_json: bool) -> None:
    """List all links, newest first, with whom they are for and how often they were opened."""
    rows = _rows(context)
    if as_json:
        _print_json([_plain(row) for row in rows])
        return
    for row in rows:
        times = f"opened {row.opened} x, last {_local(row.last)}" if row.opened else "not opened"
        until = f"until {_local(row.share.expires)}"
        click.echo(f"{row.share.id:>4}  {row.status:<8}  {until}  {row.patient:<28}  {row.study_date:<8}  {times}")
    if not rows:
        click.echo("There are no shares yet. Make one: pacsbox share create STUDY_UID")


@share.command()
@click.argument("number", type=int)
@pass_context
def revoke(context: Context, number: int) -> None:
    """End the link of share NUMBER at once and for good."""
    context.box.sharing.revoke(number)
    click.echo(f"Share {number} is revoked: its link opens nothing any more.")


@share.command()
@click.argument("number", type=int)
@pass_context
def rearm(context: Context, number: int) -> None:
    """Unlock share NUMBER with a new PIN."""
    pin = context.box.sharing.rearm(number)
    click.echo(f"Share {number} is open again. Its new PIN is {pin}; the link stays as it is.")


@share.command()
@click.argument("number", type=int)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_context
def log(context: Context, number: int, as_json: bool) -> None:
    """Tell who opened share NUMBER, when, and what they took, newest first."""
    openings = context.existing_box.sharing.openings(number)
    if as_json:
        _print_json([asdict(opening) for opening in openings])
        return
    for one in openings:
        click.echo(f"{_local(one.at)}  {one.address:<15}  {one.what:<9}  {one.detail}".rstrip())
    if not openings:
        click.echo(f"Nobody has opened share {number} yet.")


@dataclass(frozen=True)
class _Row:
    share: Share
    status: Status
    patient: str
    study_date: str
    opened: int
    last: str


def _rows(context: Context) -> list[_Row]:
    box = context.existing_box
    shares = box.sharing.all()
    studies = {one.study_instance_uid: one for one in box.storage.studies.studies(_studies_of(shares))}
    opened = box.storage.shares.opened([one.id for one in shares])
    rows = []
    for one in shares:
        study = studies.get(one.study_instance_uid)
        patient, date = (display(study.patient_name), study.study_date) if study else ("(study deleted)", "")
        rows.append(_Row(one, box.sharing.status(one), patient, date, *opened.get(one.id, (0, ""))))
    return rows


def _studies_of(shares: list[Share]) -> list[str]:
    return sorted({one.study_instance_uid for one in shares})


def _plain(row: _Row) -> dict[str, Any]:
    """Without the hashes, which are nobody's business."""
    of_share = ("study_instance_uid", "created", "expires", "revoked", "failed_attempts")
    return {
        "share": row.share.id,
        "status": row.status,
        **{name: getattr(row.share, name) for name in of_share},
        "pin": bool(row.share.pin_hash),
        "opened": row.opened,
        "last_opened": row.last,
    }


def _local(time: str) -> str:
    return f"{moment(time).astimezone():%Y-%m-%d %H:%M}"


def _print_json(value: object) -> None:
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
