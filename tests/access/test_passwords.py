"""Which passwords will do, and how they are kept."""

from __future__ import annotations

import time
from statistics import median

import pytest

from appliance.access import passwords


@pytest.mark.parametrize("good", ["correct horse battery", "пароль из слов", "Zwölf Zeichen", "a" * 8 + "bcdefghi"])
def test_length_is_what_counts(good: str) -> None:
    assert passwords.checked(good, "Anna Berg") == good


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "short",
        "eleven char",
        "x" * 257,
        "aaaaaaaaaaaa",
        "abababababab",
        "pacsboxpacsbox",
        "anna berg 123",
        "ANNABERGanna",
    ],
)
def test_what_is_too_short_or_guessed_first_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="password"):
        passwords.checked(bad, "Anna Berg")


def test_it_is_kept_as_argon2id_and_never_the_same_way_twice() -> None:
    kept = passwords.hashed("correct horse battery")
    assert kept.startswith("$argon2id$")
    assert kept != passwords.hashed("correct horse battery")
    assert passwords.matches(kept, "correct horse battery")
    assert not passwords.matches(kept, "correct horse batterY")
    assert not passwords.matches("damaged", "correct horse battery")


def test_however_it_is_typed_it_is_the_same() -> None:
    assert passwords.matches(passwords.hashed("Zw\u00f6lf Zeichen"), "Zwo\u0308lf Zeichen")


def test_nobody_has_a_password_and_it_takes_as_long_to_find_out() -> None:
    kept = passwords.hashed("correct horse battery")
    assert not passwords.matches(None, "nobody's password")

    def seconds(of: str | None) -> float:
        began = time.process_time()
        passwords.matches(of, "wrong")
        return time.process_time() - began

    somebody, nobody = (median(seconds(of) for _ in range(5)) for of in (kept, None))
    assert 0.5 < nobody / somebody < 2
