"""Values of DICOM JSON as bytes."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.dicom.inline import NotOfItsVrError, value, vr_of


@pytest.mark.parametrize(
    ("vr", "values", "data"),
    [
        ("LO", ["a", None, "b"], b"a\\\\b"),
        ("LO", [], b""),
        ("UI", ["1.2"], b"1.2\0"),
        ("SH", ["é"], "é".encode()),
        ("DS", [1.5, "2.50", 3], b"1.5\\2.50\\3"),
        ("DS", [0.1 + 0.2], b"0.30000000000000"),
        ("DS", [1e15], b"1000000000000000"),
        ("IS", [7.0, "8", -1], b"7\\8\\-1"),
        ("US", [1, "2"], b"\1\0\2\0"),
        ("SV", ["-1"], b"\xff" * 8),
        ("FD", ["NaN"], bytes(6) + b"\xf8\x7f"),
        ("AT", ["0010FFFE"], b"\x10\0\xfe\xff"),
        ("OW", [258], b"\2\1"),
        ("PN", [{"Alphabetic": "A^B", "Phonetic": "C"}, "D"], b"A^B==C\\D"),
    ],
)
def test_each_vr_has_its_form(vr: str, values: list[Any], data: bytes) -> None:
    assert value(vr, {"Value": values}).rstrip(b" ") == data


def test_binary_values_are_base_64() -> None:
    assert value("OB", {"InlineBinary": "AQ\nID"}) == b"\1\2\3\0"


@pytest.mark.parametrize(
    ("vr", "member"),
    [
        ("US", {"Value": [65536]}),
        ("US", {"Value": ["x"]}),
        ("AT", {"Value": [5]}),
        ("LO", {"Value": [True]}),
        ("LO", {"Value": "text"}),
        ("IS", {"Value": [float("inf")]}),
        ("OB", {"InlineBinary": "*"}),
        ("OB", {"InlineBinary": 7}),
        ("LO", {"Value": ["\ud800"]}),
    ],
)
def test_what_a_vr_forbids_is_refused(vr: str, member: dict[str, Any]) -> None:
    with pytest.raises(NotOfItsVrError, match=vr):
        value(vr, member)


def test_a_vr_that_is_not_said_is_the_dictionarys() -> None:
    assert vr_of("00100010", {}) == "PN"
    assert vr_of("00110010", {}) == "UN"
    for wrong in (None, {"vr": "ZZ"}, {"vr": 5}):
        with pytest.raises(NotOfItsVrError):
            vr_of("00100010", wrong)
