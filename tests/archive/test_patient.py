"""Whether two images may be of the same person."""

from __future__ import annotations

import pytest

from appliance.archive.patient import Patient

KNOWN = Patient("123", "doe jane", "19800101")


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (KNOWN, True),
        (Patient(), True),
        (Patient("123"), True),
        (Patient("999", "doe jane", "19800101"), True),
        (Patient("999", "doe jane", ""), True),
        (Patient("999", "", "19800101"), True),
        (Patient("123", "smith jane", "19800101"), True),
        (Patient("123", "doe jane", "19810101"), True),
        (Patient("999", "", ""), False),
        (Patient("999", "roe richard", ""), False),
        (Patient("999", "doe jane", "19500101"), False),
        (Patient("123", "roe richard", "19500101"), False),
        (Patient("", "roe richard", ""), False),
        (Patient("", "roe richard", "19500101"), False),
        (Patient("", "doe jane", "19500101"), False),
        (Patient("", "doe jane", ""), True),
    ],
)
def test_at_most_one_thing_differs_and_another_vouches_for_it(other: Patient, same: bool) -> None:
    assert KNOWN.may_be(other) is same
    assert other.may_be(KNOWN) is same


def test_gaps_are_filled_and_what_is_known_stays() -> None:
    assert Patient("123", "", "").with_gaps_filled(Patient("9", "doe", "")) == Patient("123", "doe", "")
