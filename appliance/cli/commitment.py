"""`pacsbox commitments`: what callers have asked us to commit to."""

from __future__ import annotations

import click
import orjson

from appliance.cli.context import Context, pass_context
from appliance.storage.rows import Commitment
from appliance.transfers.words import images


@click.command()
@click.option("--all", "everything", is_flag=True, help="Those that have been answered, too.")
@click.option("--limit", default=200, show_default=True, help="At most so many, newest first.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_context
def commitments(context: Context, everything: bool, limit: int, as_json: bool) -> None:
    """Who asked whether we keep its images, and was not told yet."""
    found = context.existing_box.storage.commitments.all(limit, unfinished=not everything)
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
        return
    if not found:
        click.echo("Nobody has asked." if everything else "Everybody who asked has been told.")
    for commitment in found:
        click.echo(_told(commitment))


def _told(commitment: Commitment) -> str:
    failed = f", {commitment.failed} not kept" if commitment.failed else ""
    counted = f"{commitment.ae_title}  {commitment.state}  {images(commitment.total)}{failed}"
    return "  ".join(part for part in (commitment.transaction_uid, counted, commitment.message) if part)
