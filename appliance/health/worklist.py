"""Can the worklist folder be read, and what is in it?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from appliance.box import Box
from appliance.errors import IndexUnavailableError
from appliance.health.finding import Finding, Severity


def check(box: Box) -> Iterator[Finding]:
    """The folder that `worklist.folder` names, and files in it that hold no order."""
    folder = box.config.worklist.folder
    if not folder:
        return
    if not Path(folder).is_dir():
        yield Finding(
            Severity.PROBLEM, "worklist", f"There is no folder {folder}.", "Make it, or set worklist.folder anew."
        )
        return
    try:
        files = box.storage.orders.files().values()
    except IndexUnavailableError:
        return  # the check of the index tells it
    wrong = [file for file in files if file.fault]
    if wrong:
        yield Finding(
            Severity.PROBLEM,
            "worklist",
            f"{len(wrong)} of {len(files)} worklist files cannot be read; one because {wrong[0].fault}.",
            "See which with `pacsbox order list`, and ask whoever looks after the program that writes them.",
        )
