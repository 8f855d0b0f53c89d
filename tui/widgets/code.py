"""A QR code and a PIN, drawn so that phones and people can read them across the desk."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text

from appliance.shares.qr import half_blocks

LIGHT_ON_DARK = Style(color="#ffffff", bgcolor="#000000")
"""Whatever the theme: scanners want the light border, and black between."""

_SEGMENTS = {
    "0": ("####", "#  #", "#  #", "#  #", "####"),
    "1": ("  # ", " ## ", "  # ", "  # ", " ###"),
    "2": ("####", "   #", "####", "#   ", "####"),
    "3": ("####", "   #", " ###", "   #", "####"),
    "4": ("#  #", "#  #", "####", "   #", "   #"),
    "5": ("####", "#   ", "####", "   #", "####"),
    "6": ("####", "#   ", "####", "#  #", "####"),
    "7": ("####", "   #", "  # ", "  # ", "  # "),
    "8": ("####", "#  #", "####", "#  #", "####"),
    "9": ("####", "#  #", "####", "   #", "####"),
}
_GROUP = 3


def drawn(link: str, width: int, height: int) -> list[str] | None:
    """The code of `link` in so many cells: as large as fits, or None when it does not.

    Large, it is made of full blocks alone: the fonts of Debian's virtual terminals have no half blocks.
    """
    lines = half_blocks(link, max_rows=min(height, (width + 1) // 2))
    large = [row for line in lines for row in _doubled(line)]
    for candidate in (large, lines):
        if len(candidate) <= height and len(candidate[0]) <= width:
            return candidate
    return None


def _doubled(line: str) -> tuple[str, str]:
    """One line of half blocks as two of full ones, each module two cells wide."""
    upper = "".join("██" if c in "▀█" else "  " for c in line)
    lower = "".join("██" if c in "▄█" else "  " for c in line)
    return upper, lower


def picture(lines: list[str]) -> Text:
    """The lines of a code, white on black."""
    return Text("\n".join(lines), style=LIGHT_ON_DARK, no_wrap=True)


def large_digits(pin: str) -> str:
    """Five lines of digits, in groups of three."""
    rows = []
    for row in range(5):
        digits = [_SEGMENTS[digit][row].replace("#", "█") for digit in pin]
        groups = [" ".join(digits[at : at + _GROUP]) for at in range(0, len(digits), _GROUP)]
        rows.append("   ".join(groups))
    return "\n".join(rows)
