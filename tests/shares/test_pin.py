"""PINs: six digits, hard to guess, kept so that a stolen index does not tell them."""

from __future__ import annotations

import pytest

from appliance.shares import pin


def test_pins_are_six_digits_and_never_an_obvious_row() -> None:
    made = {pin.make() for _ in range(2000)}
    assert len(made) > 1950
    assert all(len(one) == 6 and one.isdigit() for one in made)
    assert not made & {"000000", "111111", "123456", "654321", "012345", "890123", "321098"}


@pytest.mark.parametrize("weak", ["12345", "1234567890123", "12345a", "٣٤٥٦٧٩", "111111", "234567", "765432", ""])
def test_a_weak_pin_is_refused(weak: str) -> None:
    with pytest.raises(ValueError, match="PIN"):
        pin.checked(weak)


@pytest.mark.parametrize("good", ["193755", " 193755 ", "112233", "204060801012"])
def test_a_good_pin_is_taken(good: str) -> None:
    assert pin.checked(good) == good.strip()


def test_a_kept_pin_matches_itself_however_it_is_spaced() -> None:
    kept = pin.hashed("193755")
    assert kept != pin.hashed("193755"), "salted"
    assert "193755" not in kept
    for typed in ("193755", "193 755", " 1 9 3 7 5 5 "):
        assert pin.matches(kept, typed)
    for typed in ("193756", "", "19375", "1937555", kept):
        assert not pin.matches(kept, typed)
    assert not pin.matches("", "193755")
    assert not pin.matches("nonsense", "193755")
