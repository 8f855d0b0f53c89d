"""Passwords of staff: what will do, how it is kept, how it is checked (OWASP ASVS 6.2, NIST SP 800-63B 3.1.1)."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12
LONGEST = 256
_LEAST_VARIETY = 5
_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
"""OWASP's lesser memory setting: a Raspberry Pi answers in a fraction of a second."""


def checked(password: str, name: str) -> str:
    """A password that `name` chose, as it is compared; raises ValueError when it is too easily guessed.

    Length is what counts: no kinds of characters are demanded, spaces and every script are welcome.
    """
    password = _plain(password)
    if not SHORTEST <= len(password) <= LONGEST:
        raise ValueError(f"a password has {SHORTEST} to {LONGEST} characters; a few words together will do")
    lowered = password.casefold()
    told = {"pacsbox", *(word for word in name.casefold().split() if len(word) > 2)}
    left = lowered
    for word in told:
        left = left.replace(word, "")
    if len(set(lowered)) < _LEAST_VARIETY or len(left) < SHORTEST // 2:
        raise ValueError("this password is one of the first that anyone would try")
    return password


def hashed(password: str) -> str:
    """What is kept of it."""
    return _HASHER.hash(_plain(password))


def matches(kept: str | None, password: str) -> bool:
    """Whether `password` is the one. Of nobody (None) it is not, found out in the same time."""
    if len(password) > LONGEST:
        password = ""
    try:
        same = _HASHER.verify(kept or _of_nobody(), _plain(password))
    except (VerificationError, InvalidHashError):
        return False
    return same and kept is not None


@lru_cache(1)
def _of_nobody() -> str:
    return _HASHER.hash("nobody's password")


def _plain(password: str) -> str:
    """One form of what is typed in many (RFC 8265 4.2)."""
    return unicodedata.normalize("NFC", password)
