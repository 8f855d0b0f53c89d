"""The parameters of a search, and what its answers carry, before any index is asked (PS3.18 8.3.4, 10.6.3.3)."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict

from appliance.dicom.attributes import BY_KEYWORD, Level
from appliance.dicom.query import Kind
from web.dicomweb.search import MOST, Search, read

STUDY = {"StudyInstanceUID": "1.2"}
SERIES = STUDY | {"SeriesInstanceUID": "1.2.3"}


def search(query: str, level: Level = Level.STUDY, path: dict[str, str] | None = None) -> Search:
    return read(level, path or {}, MultiDict(parse_qsl(query, keep_blank_values=True)))


def keys(query: str) -> dict[str, tuple[str, ...]]:
    return {each.attribute.keyword: each.values for each in search(query).match.conditions}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("PatientName=Doe", {"PatientName": ("Doe",)}),
        ("00100010=Doe", {"PatientName": ("Doe",)}),
        ("0020000d=1.2,1.3", {"StudyInstanceUID": ("1.2", "1.3")}),
        ("StudyInstanceUID=1.2%5C1.3", {"StudyInstanceUID": ("1.2", "1.3")}),
        ("StudyDate=20240101-&PatientID=a%2Bb", {"StudyDate": ("20240101", ""), "PatientID": ("a+b",)}),
        ("ModalitiesInStudy=CT,MR", {"ModalitiesInStudy": ("CT", "MR")}),
        ("PatientName=&PatientID=*", {}),
        ("SpecificCharacterSet=ISO_IR%20192", {}),
        ("Modality=CT%5CMR", {"Modality": ("CT\\MR",)}),
        ("Modality=CT%5CMR&multiplevaluematching=true", {"Modality": ("CT", "MR")}),
        ('PatientID=""', {"PatientID": ('""',)}),
        ('PatientID=""&emptyvaluematching=true', {"PatientID": ()}),
    ],
)
def test_attributes_are_keys_by_keyword_or_tag(query: str, expected: dict[str, tuple[str, ...]]) -> None:
    assert keys(query) == expected


def test_flags_and_pages_are_read() -> None:
    found = search("fuzzymatching=true&limit=7&offset=3")
    assert (found.match.fuzzy, found.limit, found.offset) == (True, 7, 3)
    found = search("")
    assert (found.match.fuzzy, found.limit, found.offset, found.match.combined) == (False, MOST, 0, True)
    assert search("limit=999999999").limit == MOST
    (empty,) = search('PatientName=""&emptyvaluematching=true').match.conditions
    assert empty.kind is Kind.EMPTY


def test_the_path_is_not_a_key_but_a_bound() -> None:
    match = search("SeriesInstanceUID=1.9", Level.INSTANCE, SERIES).match
    assert match.within == SERIES
    assert [each.values for each in match.conditions] == [("1.9",)]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("StudyDate=yesterday", "StudyDate"),
        ("StudyInstanceUID=x", "StudyInstanceUID"),
        ("PatientID=a&00100020=b", "PatientID is given twice"),
        ("limit=-1", "limit"),
        ("limit=1.5", "limit"),
        ("limit=²", "limit"),
        ("limit=9999999999999999999999", "limit"),
        ("limit=1&limit=2", "twice"),
        ("offset=", "offset"),
        ("fuzzymatching=yes", "fuzzymatching"),
        ("includefield=PatientNam", "no DICOM attribute; did you mean PatientName"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(query: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as fault:
        search(query)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    ("query", "deep"),
    [
        ("KVP=1", {"00180060": {"vr": "DS", "Value": ["1"]}}),
        ("00400275.00400009=A", {"00400275": {"vr": "SQ", "Value": [{"00400009": {"vr": "SH", "Value": ["A"]}}]}}),
        (
            "RequestAttributesSequence.RequestedProcedureID=B&00400275.00400009=A",
            {
                "00400275": {
                    "vr": "SQ",
                    "Value": [{"00401001": {"vr": "SH", "Value": ["B"]}, "00400009": {"vr": "SH", "Value": ["A"]}}],
                }
            },
        ),
    ],
)
def test_what_the_index_cannot_match_is_a_key_of_the_metadata_and_is_told(query: str, deep: dict[str, object]) -> None:
    found = search(f"{query}&PatientID=x")
    assert [each.attribute.keyword for each in found.match.conditions] == ["PatientID"]
    assert found.deep == deep
    assert found.more == set(deep)
    assert not found.warnings


def test_what_is_no_attribute_of_the_dictionary_is_ignored_with_a_warning() -> None:
    (warning,) = search("00091001=1&PatientID=x").warnings
    assert "00091001" in warning


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("foo=SECRET", "foo"),
        ("_=SECRET", "_"),
        ("orderby=SECRET", "orderby"),
        ("PatientNam=SECRET", "PatientNam (did you mean PatientName?)"),
        ("0010=SECRET", "0010"),
        ("=SECRET", "one without a name"),
        ("00400275.Nonsense=SECRET", "00400275.Nonsense"),
        ("00400275.=SECRET", "00400275."),
        ("a%22%0D%0AX:%20%E5%90%8D=SECRET", "a%22%0D%0AX%3A%20%E5%90%8D"),
        ("foo=SECRET&foo=SECRET&00091001=SECRET", "foo, 00091001"),
        ("a=1&b=1&c=1&d=1&e=1&f=1&g=1", "a, b, c, d, e and 2 more"),
        ("x" * 100 + "=1", "x" * 80 + "..."),
    ],
)
def test_what_is_no_parameter_is_ignored_with_a_warning_that_tells_no_value(query: str, told: str) -> None:
    found = search(f"{query}&PatientID=x")
    assert [each.attribute.keyword for each in found.match.conditions] == ["PatientID"]
    assert found.warnings == (f"Not supported for matching, and so ignored: {told}",)


@given(st.dictionaries(st.text(st.characters()).map(lambda name: f"_{name}"), st.text()))
def test_a_warning_is_of_a_few_letters_that_a_header_can_hold(query: dict[str, str]) -> None:
    for warning in read(Level.STUDY, {}, MultiDict(query)).warnings:
        assert warning.isascii()
        assert warning.isprintable()
        assert not set(warning) & set('"\\')
        assert len(warning) < 1000


def test_a_key_that_matches_everything_costs_nothing_but_is_told() -> None:
    found = search("KVP=*&00400275.00400009=")
    assert found.deep == {}
    assert found.more == {"00180060", "00400275"}


@pytest.mark.parametrize("query", ["KVP.00400009=1", "KVP=1&00180060=2"])
def test_a_path_that_cannot_be_is_refused(query: str) -> None:
    with pytest.raises(ValueError):
        search(query)


def test_what_is_not_of_the_level_is_not_told() -> None:
    assert search("includefield=KVP,PatientComments,Modality").more == {"00104000"}
    assert search("includefield=KVP", Level.SERIES).more == {"00400275"}
    assert search("includefield=KVP", Level.INSTANCE).more == {"00180060"}


TABLE_STUDY = (
    "StudyDate StudyTime AccessionNumber ModalitiesInStudy ReferringPhysicianName PatientName PatientID"
    " PatientBirthDate PatientSex StudyInstanceUID StudyID NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances"
).split()
TABLE_SERIES = "Modality SeriesInstanceUID SeriesNumber NumberOfSeriesRelatedInstances".split()
TABLE_INSTANCE = "SOPClassUID SOPInstanceUID InstanceNumber".split()


@pytest.mark.parametrize(
    ("level", "path", "expected"),
    [
        (Level.STUDY, {}, TABLE_STUDY),
        (Level.SERIES, STUDY, [*TABLE_SERIES, "StudyInstanceUID"]),
        (Level.SERIES, {}, [*TABLE_SERIES, *TABLE_STUDY]),
        (Level.INSTANCE, SERIES, [*TABLE_INSTANCE, "StudyInstanceUID", "SeriesInstanceUID"]),
        (Level.INSTANCE, STUDY, [*TABLE_INSTANCE, *TABLE_SERIES, "StudyInstanceUID"]),
        (Level.INSTANCE, {}, [*TABLE_INSTANCE, *TABLE_SERIES, *TABLE_STUDY]),
    ],
)
def test_answers_carry_the_tables_of_their_resource(level: Level, path: dict[str, str], expected: list[str]) -> None:
    assert search("", level, path).always == set(expected)


def test_answers_carry_what_was_asked_for_and_asked_by_but_nothing_of_a_lower_level() -> None:
    found = search(
        "StudyDescription=x&Modality=CT&includefield=00101010,Modality&includefield=00080060,IssuerOfPatientID"
    )
    assert found.always - set(TABLE_STUDY) == {"StudyDescription", "PatientAge", "IssuerOfPatientID"}
    found = search("includefield=StudyDescription,StationName,Rows", Level.SERIES, STUDY)
    assert found.always >= {"StudyDescription", "StationName"}
    assert "Rows" not in found.always | found.if_known


@pytest.mark.parametrize("level", list(Level))
def test_all_means_all_of_the_level(level: Level) -> None:
    always = search("includefield=all", level, STUDY if level is not Level.STUDY else {}).always
    assert {key for key, attribute in BY_KEYWORD.items() if attribute.level is level} <= always
    assert not {key for key in always if level is Level.STUDY and BY_KEYWORD[key].level is not level}


@given(st.dictionaries(st.sampled_from([*BY_KEYWORD, "limit", "offset", "fuzzymatching", "includefield"]), st.text()))
def test_any_query_is_read_or_refused(query: dict[str, str]) -> None:
    try:
        found = read(Level.STUDY, {}, MultiDict(query))
    except ValueError as fault:
        assert "\n" not in str(fault)
    else:
        assert 0 <= found.limit <= MOST
