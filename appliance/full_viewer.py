"""The full viewer (OHIF): a program for the browser that is installed beside ours. The box works without it."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(sys.prefix) / "share" / "pacsbox" / "ohif"
"""Part of the software as the virtual environment is: updates replace it, backups leave it out."""
ABOUT = "viewer.json"
_TEXTS = ("version", "digest", "script", "style", "codecs")


@dataclass(frozen=True)
class Viewer:
    """An installed viewer, as the one who installed it describes it."""

    folder: Path
    version: str
    digest: str
    """Of all its files: it is in their addresses, so that browsers may keep them for good."""
    script: str
    style: str
    codecs: str
    """The script of the worker that decodes pictures."""
    early: tuple[str, ...]
    """Scripts that the first one asks for as soon as it runs; browsers may fetch them meanwhile."""
    files: frozenset[str]
    """Names below `folder`; some have their compressed forms beside them."""


def installed(folder: Path = FOLDER) -> Viewer | None:
    """The viewer in `folder`; None when there is none that is whole."""
    try:
        said = json.loads((folder / ABOUT).read_text("utf-8"))
        files = frozenset(map(str, said["files"]))
        version, digest, script, style, codecs = (str(said[name]) for name in _TEXTS)
        early = tuple(map(str, said["early"]))
        return Viewer(folder, version, digest, script, style, codecs, early, files)
    except (OSError, ValueError, KeyError, TypeError):
        return None
