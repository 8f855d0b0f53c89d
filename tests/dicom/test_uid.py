"""The grammar of UIDs."""

from __future__ import annotations

import pytest

from appliance.dicom import uid


@pytest.mark.parametrize("good", ["1.2.840.10008.1.1", "2.25.1", "1." + "2" * 62])
def test_well_formed_uids_pass(good: str) -> None:
    assert uid.is_valid(good)
    assert uid.is_strict(good)


@pytest.mark.parametrize("bad", ["", "1", "1..2", ".1.2", "1.2.", "1.2a", "../../etc/passwd", "1." + "2" * 63, "1.2\n"])
def test_malformed_uids_do_not(bad: str) -> None:
    assert not uid.is_valid(bad)


def test_leading_zeros_pass_but_are_known() -> None:
    assert uid.is_valid("1.2.03")
    assert not uid.is_strict("1.2.03")


def test_our_own_is_strict_and_our_name_fits() -> None:
    assert uid.is_strict(uid.IMPLEMENTATION_CLASS_UID)
    assert len(uid.IMPLEMENTATION_VERSION_NAME) <= 16
