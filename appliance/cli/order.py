"""`pacsbox order` and `demo-worklist`: what modalities are told to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import orjson

from appliance.cli.context import Context, pass_context
from appliance.dicom.names import display
from appliance.errors import PacsboxError
from appliance.storage.rows import Order
from appliance.worklist import demo, reading

_SAID = {
    "--name": ("PatientName", "Patient's name: Family^Given, or `Family, Given`."),
    "--id": ("PatientID", "Patient ID."),
    "--birth-date": ("PatientBirthDate", "Such as 1970-01-31."),
    "--sex": ("PatientSex", "F, M or O."),
    "--modality": ("Modality", "What is to be used: CT, MR, US, ..."),
    "--station": ("ScheduledStationAETitle", "AE title that it is for; without it, whoever asks."),
    "--date": ("ScheduledProcedureStepStartDate", "Day; without it, today."),
    "--time": ("ScheduledProcedureStepStartTime", "Time; without it, now."),
    "--description": ("RequestedProcedureDescription", "What is to be done."),
    "--accession": ("AccessionNumber", "Without it, one is made."),
    "--referring": ("ReferringPhysicianName", "Referring physician's name."),
    "--performing": ("ScheduledPerformingPhysicianName", "Performing physician's name."),
}
_READERS = {".json": reading.from_json, ".csv": reading.from_csv}

Command = Callable[..., Any]


def _options(command: Command) -> Command:
    for option, (keyword, text) in reversed(_SAID.items()):
        command = click.option(option, keyword, help=text)(command)
    return click.option(
        "--set", "others", multiple=True, metavar="KEYWORD=VALUE", help="Any other attribute of the worklist."
    )(command)


@click.group(name="order")
def order() -> None:
    """Keep the orders that modalities ask for (modality worklist)."""


@order.command()
@_options
@pass_context
def add(context: Context, /, others: tuple[str, ...], **said: str | None) -> None:
    """Add an order. A name, an ID and a modality are needed; identifiers are made."""
    added = context.box.orders.add(_given(said, others), "command line")
    click.echo(f"Order {added.id}: accession number {added.accession_number}, study {added.study_instance_uid}.")


@order.command(name="list")
@click.option("--all", "everything", is_flag=True, help="Those that are over too.")
@click.option("--limit", default=200, show_default=True, help="At most so many, latest start first.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_context
def show(context: Context, everything: bool, limit: int, as_json: bool) -> None:
    """List the orders that modalities are told of."""
    found = context.existing_box.orders.all(limit, unfinished=not everything)
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
        return
    if not found:
        click.echo("There are no orders. Add one: pacsbox order add --help")
    for each in found:
        click.echo(_told(each))
    for file in context.box.storage.orders.files().values():
        if file.fault:
            click.echo(f"{file.name} in the worklist folder cannot be read: {file.fault}.", err=True)


@order.command()
@click.argument("number", type=int)
@_options
@pass_context
def change(context: Context, /, number: int, others: tuple[str, ...], **said: str | None) -> None:
    """Change order NUMBER; an option with an empty value takes away what was said."""
    given = _given(said, others)
    if not given:
        raise PacsboxError("There is nothing to change.", "Say what: see `pacsbox order change --help`.")
    click.echo(_told(context.box.orders.change(number, given)))


@order.command()
@click.argument("number", type=int)
@pass_context
def cancel(context: Context, number: int) -> None:
    """Cancel order NUMBER: modalities are told of it no more."""
    context.box.orders.cancel(number)
    click.echo(f"Order {number} is cancelled.")


@order.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@pass_context
def bring_in(context: Context, file: Path) -> None:
    """Add the orders in FILE, JSON or CSV by its ending: all of them, or none if one is wrong."""
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        raise PacsboxError(f"{file.name} is neither .json nor .csv.", "The ending says what is in it.")
    try:
        text = file.read_text("utf-8")
    except UnicodeDecodeError as fault:
        raise PacsboxError(f"{file.name} is not in UTF-8.", "Save it again in that encoding.") from fault
    try:
        made = reader(text)
    except ValueError as fault:
        raise ValueError(f"{file.name}: {fault}") from fault
    added = context.box.orders.add_all(made, "import")
    click.echo(f"Added: {', '.join(f'order {each.id}' for each in added)}.")


@click.command()
@click.option("--station", default="", help="AE title that they are for; without it, whoever asks.")
@pass_context
def demo_worklist(context: Context, station: str) -> None:
    """Fill in today's sample orders, to try a modality against the box."""
    today = datetime.now().astimezone().date()
    added = context.box.orders.add_all(demo.samples(today, station), "demo")
    port, title = context.config.dicom.port, context.config.dicom.ae_title
    click.echo(f"{len(added)} orders are added. Ask for them:")
    click.echo(f"findscu -W -aet MODALITY -aec {title} -k PatientName -k PatientID 127.0.0.1 {port}")


def _given(said: dict[str, str | None], others: tuple[str, ...]) -> dict[str, str]:
    given = {keyword: value for keyword, value in said.items() if value is not None}
    for other in others:
        keyword, equals, value = other.partition("=")
        if not equals:
            raise ValueError(f"--set takes KEYWORD=VALUE, such as PatientWeight=70, not {other!r}")
        given[keyword.strip()] = value
    return given


def _told(each: Order) -> str:
    at = f"{each.start_date} {each.start_time[:4]}".strip()
    station = each.station or "any station"
    who = f"{display(each.patient_name)} ({each.patient_id})"
    images = f"  {each.images} {'image' if each.images == 1 else 'images'}" if each.images else ""
    return (
        f"{each.id}  {each.state}  {at}  {each.modality}  {station}  {each.accession_number}  {who}"
        f"  {each.description}{images}"
    )
