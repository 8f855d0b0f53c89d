"""Person names and text, made comparable: without case, diacritics and component marks."""

from __future__ import annotations

import unicodedata

_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t"}
)
"""Letters that people type without their stroke and that Unicode does not decompose."""

_MARKS = str.maketrans({"^": " ", "=": " ", "\\": " ", ",": " "})


def fold(text: str) -> str:
    """`text` as it is searched: `Müller^Øystein` -> `muller oystein`.

    Compatibility decomposition without the combining marks, case folded, name component and group
    separators (PS3.5 6.2.1) as spaces, composed again so that Hangul stays one character a syllable.
    """
    decomposed = unicodedata.normalize("NFKD", text.translate(_MARKS)).casefold().translate(_LETTERS)
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    return " ".join(unicodedata.normalize("NFC", bare).split())


def display(name: str) -> str:
    """A PN as people write it: `Doe^Jane^^Dr` -> `Doe, Jane (Dr)`; the first group that says anything.

    Components are family, given, middle, prefix, suffix (PS3.5 6.2.1.1).
    """
    groups = [group for group in name.split("=") if group.strip("^ ")]
    if not groups:
        return ""
    family, given, middle, prefix, suffix = ([*groups[0].split("^"), "", "", "", "", ""])[:5]
    forenames = " ".join(part.strip() for part in (given, middle) if part.strip())
    titles = ", ".join(part.strip() for part in (prefix, suffix) if part.strip())
    between = ", " if _has_commas(family) else " "
    written = between.join(part for part in (family.strip(), forenames) if part)
    shown = f"{written} ({titles})" if titles and written else written or titles
    other = [display(group) for group in groups[1:2]]
    return f"{shown} {other[0]}" if other and not _has_commas(other[0]) else shown


def _has_commas(text: str) -> bool:
    """Chinese, Japanese and Korean names are written without; all scripts that have one come before them."""
    return all(ord(c) < 0x1100 for c in text)
