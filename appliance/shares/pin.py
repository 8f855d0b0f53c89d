"""PINs: made, checked, and kept as argon2id (OWASP ASVS 6.5.2)."""

from __future__ import annotations

import secrets
from itertools import pairwise

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
"""OWASP's lesser memory setting: a Raspberry Pi answers in a fraction of a second."""
_LENGTH = 6


def make() -> str:
    """Six random digits, none of the few that people try first."""
    while True:
        pin = f"{secrets.randbelow(10**_LENGTH):0{_LENGTH}d}"
        if not _is_obvious(pin):
            return pin


def checked(pin: str) -> str:
    """A PIN that staff chose; raises ValueError when it is too weak."""
    pin = pin.strip()
    if not (pin.isascii() and pin.isdigit() and _LENGTH <= len(pin) <= 12):
        raise ValueError("a PIN is 6 to 12 digits")
    if _is_obvious(pin):
        raise ValueError("this PIN is one of the first that anyone would try")
    return pin


def hashed(pin: str) -> str:
    """What is kept of it."""
    return _HASHER.hash(pin)


def matches(kept: str, pin: str) -> bool:
    """Whether `pin` is the one; spaces, as people type them, don't count."""
    try:
        return _HASHER.verify(kept, "".join(pin.split()))
    except (VerificationError, InvalidHashError):
        return False


def _is_obvious(pin: str) -> bool:
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
    return len(steps) == 1 and steps <= {0, 1, 9}
