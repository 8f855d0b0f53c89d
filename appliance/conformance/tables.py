"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydicom.uid import UID


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """One table; its cells may hold anything but lines."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def name(uid: str) -> str:
    """What PS3.6 calls a UID, retired ones too."""
    known = UID(uid)
    retired = " (retired)" if known.is_retired and "(Retired)" not in known.name else ""
    return f"{known.name.replace(' (Retired)', ' (retired)')}{retired}"


def yes(value: object) -> str:
    """A tick in a column of ticks."""
    return "yes" if value else "-"


def _cell(cell: object) -> str:
    return " ".join(str(cell).split()).replace("|", "\\|")
