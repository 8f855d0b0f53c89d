"""What a key's value asks for, before any index is asked (PS3.4 C.2.2.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.dicom.attributes import BY_KEYWORD
from appliance.dicom.query import Kind, condition, tag_named


@pytest.mark.parametrize(
    ("keyword", "value", "kind", "values"),
    [
        ("PatientID", " A 1 ", Kind.SINGLE, ("A 1",)),
        ("PatientID", "A*", Kind.WILDCARD, ("A*",)),
        ("PatientID", '""', Kind.SINGLE, ('""',)),
        ("PatientAge", "0?0Y", Kind.SINGLE, ("0?0Y",)),
        ("StudyInstanceUID", "1.2\0", Kind.SINGLE, ("1.2",)),
        ("StudyInstanceUID", "1.2,1.3\\1.4,", Kind.UID_LIST, ("1.2", "1.3", "1.4")),
        ("ModalitiesInStudy", "CT, MR", Kind.SINGLE, ("CT", "MR")),
        ("StudyDate", "20240101", Kind.SINGLE, ("20240101",)),
        ("StudyDate", "2024.01.01 - 2024.12.31", Kind.RANGE, ("20240101", "20241231")),
        ("StudyDate", "-20240101", Kind.RANGE, ("", "20240101")),
        ("StudyTime", "10:15-", Kind.RANGE, ("1015", "")),
        ("StudyTime", "101500.25", Kind.SINGLE, ("101500.25",)),
        ("Rows", "512", Kind.SINGLE, ("512",)),
    ],
)
def test_a_value_makes_its_condition(keyword: str, value: str, kind: Kind, values: tuple[str, ...]) -> None:
    made = condition(keyword, value)
    assert made is not None
    assert (made.kind, made.values) == (kind, values)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        *[("PatientName", value) for value in ("", "*", "**", " * ", "^", "=", "*^*")],
        ("StudyInstanceUID", "*"),
        ("StudyDate", "*"),
        ("ModalitiesInStudy", ","),
        ("TimezoneOffsetFromUTC", "+0100"),
    ],
)
def test_universal_keys_make_no_condition(keyword: str, value: str) -> None:
    assert condition(keyword, value) is None


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("StudyInstanceUID", "1.2.x"),
        ("StudyInstanceUID", "1" * 65),
        ("StudyInstanceUID", "1.2*"),
        ("SOPInstanceUID", "\\"),
        ("StudyDate", "2024"),
        ("StudyDate", "today"),
        ("StudyDate", "-"),
        ("StudyDate", "20240101-20240102-20240103"),
        ("StudyDate", "२०२४०१०१"),
        ("StudyTime", "1"),
        ("StudyTime", "10.5"),
        ("Rows", "many"),
        ("Rows", "²"),
        ("SeriesNumber", "9" * 30),
        ("PatientID", "a\nb"),
        ("PatientID", "a\ud800"),
        ("PatientID", "x" * 1025),
    ],
)
def test_a_value_that_its_vr_forbids_is_refused_with_the_attribute_named(keyword: str, value: str) -> None:
    with pytest.raises(ValueError, match=keyword):
        condition(keyword, value)


def test_several_values_and_no_value_are_matched_where_that_was_agreed_on() -> None:
    several = condition("Modality", "CT\\MR", multiple=True)
    single = condition("Modality", "CT\\MR")
    empty = condition("Modality", '""', empty=True)
    assert several and several.values == ("CT", "MR")
    assert single and single.values == ("CT\\MR",)
    assert empty and empty.kind is Kind.EMPTY


def test_an_attribute_outside_the_index_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        condition("KVP", "120")


@pytest.mark.parametrize("name", ["PatientName", "00100010", "0020000d", "0020000D"])
def test_attributes_are_named_by_keyword_or_tag(name: str) -> None:
    assert tag_named(name) in (0x00100010, 0x0020000D)


@pytest.mark.parametrize("name", ["", "patientname", "0010001", "Nonsense", "0x100010", "PatientNam"])
def test_a_name_of_no_attribute_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no DICOM attribute"):
        tag_named(name)


def test_a_slip_of_the_keyword_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean PatientName"):
        tag_named("PatientNam")


@given(st.sampled_from(sorted(BY_KEYWORD)), st.text())
def test_any_text_makes_a_condition_or_a_plain_refusal(keyword: str, value: str) -> None:
    try:
        made = condition(keyword, value, multiple=True, empty=True)
    except ValueError as fault:
        assert "\n" not in str(fault)
    else:
        assert made is None or made.kind is Kind.EMPTY or all(len(v) <= 1024 for v in made.values)
