"""Specific Character Sets (0008,0005) by name (PS3.3 C.12.1.1.2): those of answers, and what may stand there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

ANSWERS = {
    "ISO_IR 192": "UTF-8",
    "ISO_IR 100": "Latin-1, Western Europe",
    "ISO_IR 101": "Latin-2, Eastern Europe",
    "ISO_IR 144": "Cyrillic",
    "ISO_IR 127": "Arabic",
    "ISO_IR 126": "Greek",
    "ISO_IR 148": "Turkish",
    "ISO 2022 IR 87": "Japanese",
    "ISO 2022 IR 149": "Korean",
    "GB18030": "Chinese",
    "": "ASCII",
}
"""What queries may be answered in, by configuration."""
_KNOWN = frozenset(
    (
        *(f"ISO_IR {number}" for number in (6, 13, 100, 101, 109, 110, 126, 127, 138, 144, 148, 166, 192, 203)),
        *(f"ISO 2022 IR {n}" for n in (6, 13, 58, 87, 100, 101, 109, 110, 126, 127, 138, 144, 148, 149, 159, 166, 203)),
        "GB18030",
        "GBK",
    )
)
_ALONE = frozenset(("ISO_IR 192", "GB18030", "GBK"))


_NO_TEXT = re.compile("[\x80-\x9f\ufffd]")
"""No character set of DICOM has these control characters; decoders put the last for what they can't read."""


@dataclass(frozen=True)
class Given:
    """What is known of a sender beside what its data sets say."""

    value: str = ""
    """(0008,0005) of those that say nothing; empty: ASCII."""
    overrides: bool = False
    """Whether it counts for the others too."""


NOTHING = Given()


def doubt(texts: Iterable[str], ascii_only: bool) -> str:
    """Why `texts` are not in the character set that they were read in, in words; empty when they may be.

    `ascii_only`: none was named.
    """
    said = "".join(texts)
    if _NO_TEXT.search(said):
        return "names are not in the character set that their data set names"
    if ascii_only and not said.isascii():
        return "names have letters beyond ASCII, and their data set names no character set"
    return ""


def for_answers(name: str) -> str:
    """The value of (0008,0005) for one of `ANSWERS`: sets of many bytes stand behind ASCII, as code extensions."""
    return f"\\{name}" if name.startswith("ISO 2022") else name


def checked(value: str) -> str:
    """A value of (0008,0005), several parts with backslashes; raises ValueError naming what is no defined term."""
    parts = [part.strip().upper() for part in value.split("\\")]
    for part in parts:
        if part and part not in _KNOWN:
            raise ValueError(f"a character set is a defined term such as ISO_IR 100 (PS3.3 C.12.1.1.2), not {part!r}")
    if len(parts) > 1 and not _ALONE.isdisjoint(parts):
        raise ValueError(f"{', '.join(sorted(_ALONE & set(parts)))} stands alone, without code extensions")
    return "\\".join(parts)
