"""Do transfers get through?"""

from __future__ import annotations

from collections.abc import Iterator

from appliance.box import Box
from appliance.errors import IndexUnavailableError
from appliance.health.finding import Finding, Severity
from appliance.storage.rows import TransferState


def check(box: Box) -> Iterator[Finding]:
    """Failed transfers that nobody has tried again or cancelled."""
    try:
        transfers = box.transfers.all()
    except IndexUnavailableError:
        return  # the check of the index tells it
    failed = [transfer for transfer in transfers if transfer.state is TransferState.FAILED]
    if failed:
        yield Finding(
            Severity.PROBLEM,
            "transfers",
            f"{len(failed)} transfers failed; the last, to {failed[0].peer}: {failed[0].message}",
            "Mend the cause, then try again with `r` in the console's transfers or `pacsbox transfer retry`.",
        )
    unfinished = [transfer for transfer in transfers if not transfer.state.is_over]
    if unfinished:
        yield Finding(Severity.OK, "transfers", f"{len(unfinished)} transfers are on their way.")
