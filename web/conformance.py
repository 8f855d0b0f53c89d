"""`pacsbox conformance`: here, since both the DIMSE services and the routes of DICOMweb are in it."""

from __future__ import annotations

import click

from appliance.cli.context import Context, pass_context


@click.command()
@pass_context
def conformance(context: Context) -> None:
    """Print the DICOM conformance statement, as docs/conformance.md has it."""
    # Late, so that the other commands don't pay for aiohttp and pynetdicom.
    from appliance.conformance.statement import statement

    click.echo(statement(context.box.services(), routes()), nl=False)


def routes() -> str:
    """The routes of DICOMweb and what the caller must be allowed for each, and what is taken in."""
    from appliance.conformance.tables import table
    from web.dicomweb.capabilities import TAKEN
    from web.dicomweb.routes import ROUTES, STORING

    rows = [("GET", f"`{path}`", permission.value) for path, permission, *_ in ROUTES]
    rows += [("POST", f"`{path}`", "store") for path in STORING]
    taken = ", ".join(f"`{kind}`" for kind in TAKEN)
    return f"{table(('method', 'path', 'permission of the caller'), rows)}\n\nA POST takes {taken}."
