"""Person names as the index holds them, and what a key must match in them: without case and diacritics."""

from __future__ import annotations

import re

from appliance.dicom.names import fold


def folded_name(names: str) -> str:
    """Person names for matching: `= doe john = 山田 太郎 =`, each component group and value folded."""
    groups = [folded for group in re.split(r"[=\\]", names) if (folded := fold(group))]
    return f"= {' = '.join(groups)} =" if groups else ""


def patterns(value: str, fuzzy: bool) -> list[str]:
    """What each word, or each component group of a key, must match; groups stand between spaces.

    Components that a wildcard leaves open may be absent: `Doe^*` finds `Doe`.
    """
    if fuzzy:
        return [f"*{word}*" for word in fold(value).split()]
    patterns = []
    for group in filter(None, map(fold, value.split("="))):
        pattern = re.sub(r"^(\* )+", "* ", re.sub(r"( \*)+$", " *", group))
        patterns.append(("" if pattern[0] == "*" else " ") + pattern + ("" if pattern[-1] == "*" else " "))
    return patterns
