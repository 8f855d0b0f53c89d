"""Unique identifiers: the grammar, and ours."""

from __future__ import annotations

import re
from functools import lru_cache

from pydicom.uid import UID

IMPLEMENTATION_ROOT = "2.25.163402938842206184905412067532190781417"
"""Root of our UIDs, from a UUID as PS3.5 B.2 allows."""

IMPLEMENTATION_CLASS_UID = UID(IMPLEMENTATION_ROOT)
IMPLEMENTATION_VERSION_NAME = "PACSBOX_0.1"
"""At most 16 characters (PS3.7 D.3.3.2.4)."""

_COMPONENT = r"(?:0|[1-9][0-9]*)"
_GRAMMAR = re.compile(rf"{_COMPONENT}(?:\.{_COMPONENT})+")
_LENIENT = re.compile(r"[0-9]+(?:\.[0-9]+)+")


def is_valid(uid: str) -> bool:
    """Whether `uid` is digits and dots, at most 64 characters (PS3.5 9.1).

    Leading zeros in a component are forbidden by PS3.5 but sent by real modalities; they are harmless as
    an identifier and as a part of a path, so they pass. `is_strict` tells them apart.
    """
    return len(uid) <= 64 and _is_lenient(uid)


@lru_cache(maxsize=4096)
def _is_lenient(uid: str) -> bool:
    # The same ones come again and again: with each image, and in each request.
    return _LENIENT.fullmatch(uid) is not None


def is_strict(uid: str) -> bool:
    """Whether `uid` follows PS3.5 9.1 to the letter, leading zeros refused."""
    return len(uid) <= 64 and _GRAMMAR.fullmatch(uid) is not None
