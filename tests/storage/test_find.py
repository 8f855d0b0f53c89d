"""Matching by the rules of PS3.4 C.2.2.2, for every backend."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.dicom.attributes import Level, stored_at
from appliance.dicom.header import Header
from appliance.dicom.model import Origin
from appliance.dicom.names import fold
from appliance.dicom.query import Match, condition
from appliance.storage.contract import Storage
from appliance.storage.sqlite.store import SqliteStorage

STUDIES: dict[str, dict[str, str]] = {
    "1": {
        "PatientName": "Müller^Jörg^^Dr",
        "PatientID": "A-100",
        "PatientBirthDate": "19600102",
        "StudyDate": "20240105",
        "StudyTime": "101500.250000",
        "AccessionNumber": "ACC[1]",
        "StudyDescription": "MR Knee links",
        "ReferringPhysicianName": "House^Gregory",
        "Modality": "MR",
        "SeriesDescription": "T1 SAG",
        "SeriesNumber": "2",
        "InstanceNumber": "1",
        "ImageType": "ORIGINAL\\PRIMARY\\AXIAL",
    },
    "2": {
        "PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう",
        "PatientID": "a-100",
        "StudyDate": "20240106",
        "StudyTime": "10",
        "StudyDescription": "100% *CT*",
        "NameOfPhysiciansReadingStudy": "Wilson^James\\Cuddy^Lisa",
        "Modality": "CT",
        "SeriesDescription": "T1 SAG",
        "SeriesNumber": "10",
        "InstanceNumber": "0",
    },
    "3": {
        "PatientName": "Doe",
        "PatientID": "B 7",
        "StudyDate": "20240107",
        "StudyTime": "235959",
        "Modality": "US",
        "SeriesNumber": "-1",
        "PerformingPhysicianName": "Åse^Ødegård",
    },
    "4": {"PatientName": "Doe^John", "PatientID": "", "Modality": "PT", "SeriesNumber": "3", "StudyTime": "09:30:15"},
    "5": {"PatientName": "", "PatientID": "C", "StudyDate": "19991231", "Modality": "CTX"},
}


def header(study: str, series: str, instance: str, values: dict[str, str]) -> Header:
    """An instance with these values by keyword, its UIDs made of the numbers."""
    uids = {
        "StudyInstanceUID": f"1.2.{study}",
        "SeriesInstanceUID": f"1.2.{study}.{series}",
        "SOPInstanceUID": f"1.2.{study}.{series}.{instance}",
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.4",
    }
    by_column = [{a.column: (values | uids).get(a.keyword, "") for a in stored_at(level)} for level in Level]
    return Header("1.2.840.10008.1.2.1", *by_column, b"{}", "00" * 32, 100, Origin("import"))


def enter(storage: Storage, *headers: Header) -> None:
    with storage.transaction():
        storage.studies.add((each, f"key-{each.uids[2]}") for each in headers)


@pytest.fixture(params=["sqlite"], scope="module")
def storage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    opened = {"sqlite": SqliteStorage}[request.param](tmp_path_factory.mktemp("find") / "index.sqlite3")
    enter(opened, *(header(number, "1", "1", values) for number, values in STUDIES.items()))
    enter(opened, header("1", "2", "1", STUDIES["1"] | {"Modality": "SR", "SeriesDescription": "Report"}))
    enter(opened, header("1", "1", "2", STUDIES["1"] | {"InstanceNumber": "12"}))
    yield opened
    opened.close()


def found(storage: Storage, level: Level = Level.STUDY, *, fuzzy: bool = False, **keys: str) -> set[str]:
    """The numbers of what `keys` find, such as `1` or `1.2`."""
    return numbers(storage, matching(level, fuzzy=fuzzy, **keys))


def matching(level: Level = Level.STUDY, *, fuzzy: bool = False, combined: bool = False, **keys: str) -> Match:
    conditions = (condition(key, value, multiple=True, empty=True) for key, value in keys.items())
    return Match(level, tuple(filter(None, conditions)), fuzzy, combined=combined)


def numbers(storage: Storage, match: Match) -> set[str]:
    uid = {Level.STUDY: "StudyInstanceUID", Level.SERIES: "SeriesInstanceUID", Level.INSTANCE: "SOPInstanceUID"}
    return {row[uid[match.level]].removeprefix("1.2.") for row in storage.studies.find(match)}


ALL = set(STUDIES)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("PatientName", "", ALL),
        ("PatientName", "*", ALL),
        ("PatientName", "^", ALL),
        ("PatientName", "MULLER^JORG^^DR", {"1"}),
        ("PatientName", "müller*", {"1"}),
        ("PatientName", "Müller", set()),
        ("PatientName", "Müller^*", {"1"}),
        ("PatientName", "*jörg*", {"1"}),
        ("PatientName", "M?ller^*", {"1"}),
        ("PatientName", "M?ler^*", set()),
        ("PatientName", "山田*", {"2"}),
        ("PatientName", "yamada^tarou", {"2"}),
        ("PatientName", "Yamada^Tarou=山田^太郎", {"2"}),
        ("PatientName", "Yamada*=やまだ*", {"2"}),
        ("PatientName", "Yamada*太郎", set()),
        ("PatientName", "Doe", {"3"}),
        ("PatientName", "Doe^^^^", {"3"}),
        ("PatientName", "Doe^*", {"3", "4"}),
        ("PatientName", "Doe^J*", {"4"}),
        ("PatientName", "*^John", {"4"}),
        ("PatientName", "D*", {"3", "4"}),
        ("PatientName", "oe*", set()),
        ("PatientName", '""', {"5"}),
        ("PatientName", "Doe\\Müller*", {"1", "3"}),
        ("PatientName", "%", set()),
        ("PatientName", "[DM]*", set()),
        ("PatientName", "' OR 1=1 --", set()),
        ("ReferringPhysicianName", "house^*", {"1"}),
        ("ReferringPhysicianName", "HOUSE^GREGORY", {"1"}),
        ("ReferringPhysicianName", "?ouse*", {"1"}),
        ("NameOfPhysiciansReadingStudy", "cuddy^lisa", {"2"}),
        ("NameOfPhysiciansReadingStudy", "Wilson*Lisa", set()),
        ("PerformingPhysicianName", "ase^odegard", {"3"}),
        ("PatientID", "A-100", {"1"}),
        ("PatientID", "a*", {"2"}),
        ("PatientID", "?-100", {"1", "2"}),
        ("PatientID", "B 7", {"3"}),
        ("PatientID", "A-100\\B 7", {"1", "3"}),
        ("PatientID", "A-100\\B*", {"1", "3"}),
        ("PatientID", '""', {"4"}),
        ("AccessionNumber", "ACC[1]", {"1"}),
        ("AccessionNumber", "*[1]", {"1"}),
        ("AccessionNumber", "ACC[*", {"1"}),
        ("AccessionNumber", "ACC1", set()),
        ("StudyDescription", "*Knee*", {"1"}),
        ("StudyDescription", "*knee*", set()),
        ("StudyDescription", "100%*", {"2"}),
        ("StudyDate", "20240105", {"1"}),
        ("StudyDate", "2024.01.05", {"1"}),
        ("StudyDate", "20240105-20240106", {"1", "2"}),
        ("StudyDate", "-20240105", {"1", "5"}),
        ("StudyDate", "20240106-", {"2", "3"}),
        ("StudyDate", "20240108-20240101", set()),
        ("StudyDate", "19000101-20991231", {"1", "2", "3", "5"}),
        ("StudyDate", '""', {"4"}),
        ("PatientBirthDate", "19600102", {"1"}),
        ("StudyTime", "10", {"1", "2"}),
        ("StudyTime", "1015", {"1"}),
        ("StudyTime", "101500", {"1"}),
        ("StudyTime", "101500.250000", {"1"}),
        ("StudyTime", "101500.3", set()),
        ("StudyTime", "0930", {"4"}),
        ("StudyTime", "1000-1010", {"2"}),
        ("StudyTime", "10-10", {"1", "2"}),
        ("StudyTime", "-10", {"1", "2", "4"}),
        ("StudyTime", "2359-", {"3"}),
        ("StudyTime", '""', {"5"}),
        ("StudyInstanceUID", "1.2.1", {"1"}),
        ("StudyInstanceUID", "1.2.1,1.2.3", {"1", "3"}),
        ("StudyInstanceUID", "1.2.1\\1.2.3\\1.2.77", {"1", "3"}),
        ("ModalitiesInStudy", "MR", {"1"}),
        ("ModalitiesInStudy", "SR", {"1"}),
        ("ModalitiesInStudy", "CT", {"2"}),
        ("ModalitiesInStudy", "CT,MR", {"1", "2"}),
        ("ModalitiesInStudy", "CT\\US", {"2", "3"}),
        ("ModalitiesInStudy", "C*", {"2", "5"}),
        ("ModalitiesInStudy", "M*SR", set()),
        ("ModalitiesInStudy", "S?", {"1"}),
        ("SOPClassesInStudy", "1.2.840.10008.5.1.4.1.1.4", ALL),
        ("SOPClassesInStudy", "1.2.840.10008.5.1.4.1.1", set()),
        ("NumberOfStudyRelatedInstances", "3", {"1"}),
        ("NumberOfStudyRelatedSeries", "1", ALL - {"1"}),
        ("TimezoneOffsetFromUTC", "+0200", ALL),
        # Of a lower level: in one series, or one instance, below.
        ("Modality", "SR", {"1"}),
        ("SeriesNumber", "2", {"1"}),
        ("SeriesInstanceUID", "1.2.3.1", {"3"}),
        ("SOPInstanceUID", "1.2.4.1.1\\1.2.2.1.1", {"2", "4"}),
        ("InstanceNumber", "0", {"2"}),
        ("InstanceNumber", "012", {"1"}),
        ("ImageType", "PRIMARY", {"1"}),
        ("ImageType", "PRIM", set()),
        ("ImageType", "AX*", {"1"}),
        ("ImageType", "ORIG*AXIAL", set()),
    ],
)
def test_a_key_finds_the_studies_that_its_rule_names(
    storage: Storage, key: str, value: str, expected: set[str]
) -> None:
    assert found(storage, **{key: value}) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [("jörg mül", {"1"}), ("John^Doe", {"4"}), ("do", {"3", "4"}), ("tar*山", {"2"}), ("太", {"2"}), ("nobody", set())],
)
def test_fuzzy_names_match_by_any_part_of_any_component(storage: Storage, words: str, expected: set[str]) -> None:
    assert found(storage, fuzzy=True, PatientName=words) == expected


def test_conditions_of_a_lower_level_hold_for_the_same_series(storage: Storage) -> None:
    assert found(storage, Modality="MR", SeriesDescription="T1*") == {"1"}
    assert found(storage, Modality="SR", SeriesDescription="T1*") == set()
    assert found(storage, Modality="SR", SOPInstanceUID="1.2.1.2.1") == {"1"}
    assert found(storage, Modality="SR", SOPInstanceUID="1.2.1.1.1") == set()


@pytest.mark.parametrize(
    ("level", "keys", "expected"),
    [
        (Level.SERIES, {}, {"1.1", "1.2", "2.1", "3.1", "4.1", "5.1"}),
        (Level.SERIES, {"PatientName": "Müller*"}, {"1.1", "1.2"}),
        (Level.SERIES, {"Modality": "SR"}, {"1.2"}),
        (Level.SERIES, {"Modality": "MR\\SR"}, {"1.1", "1.2"}),
        (Level.SERIES, {"InstanceNumber": "12"}, {"1.1"}),
        (Level.SERIES, {"SOPInstanceUID": "1.2.1.2.1"}, {"1.2"}),
        (Level.SERIES, {"SeriesNumber": "-1"}, {"3.1"}),
        (Level.SERIES, {"NumberOfSeriesRelatedInstances": "2"}, {"1.1"}),
        (Level.INSTANCE, {"StudyInstanceUID": "1.2.1"}, {"1.1.1", "1.1.2", "1.2.1"}),
        (Level.INSTANCE, {"Modality": "MR", "InstanceNumber": "12"}, {"1.1.2"}),
        (Level.INSTANCE, {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4", "PatientID": "C"}, {"5.1.1"}),
    ],
)
def test_series_and_instances_are_found_by_their_own_keys_and_those_above(
    storage: Storage, level: Level, keys: dict[str, str], expected: set[str]
) -> None:
    assert found(storage, level, **keys) == expected


def test_what_the_path_names_holds_exactly(storage: Storage) -> None:
    match = Match(Level.INSTANCE, within={"StudyInstanceUID": "1.2.1", "SeriesInstanceUID": "1.2.1.1"})
    assert numbers(storage, match) == {"1.1.1", "1.1.2"}
    assert numbers(storage, Match(Level.SERIES, within={"StudyInstanceUID": "1.2.9"})) == set()


def test_ranges_of_date_and_time_are_separate_unless_combined(storage: Storage) -> None:
    keys = {"StudyDate": "20240105-20240107", "StudyTime": "1010-2330"}
    assert numbers(storage, matching(**keys)) == {"1"}
    assert numbers(storage, matching(**keys, combined=True)) == {"1", "2"}
    assert numbers(storage, matching(StudyDate="20240106-", StudyTime="1010-", combined=True)) == {"3"}
    assert numbers(storage, matching(StudyDate="-20240106", StudyTime="-0959", combined=True)) == {"1", "5"}
    other_form = matching(StudyDate="20240105-20240107", StudyTime="1010-", combined=True)
    assert numbers(storage, other_form) == {"1", "3"}


def test_an_answer_carries_its_level_and_those_above_and_no_more(storage: Storage) -> None:
    (study,) = storage.studies.find(matching(StudyInstanceUID="1.2.1"))
    assert study["PatientName"] == "Müller^Jörg^^Dr"
    assert study["ModalitiesInStudy"] == "MR\\SR"
    assert (study["NumberOfStudyRelatedSeries"], study["NumberOfStudyRelatedInstances"]) == (2, 3)
    assert "Modality" not in study
    (instance,) = storage.studies.find(matching(Level.INSTANCE, SOPInstanceUID="1.2.1.2.1"))
    assert (instance["Modality"], instance["PatientID"]) == ("SR", "A-100")
    assert instance["AvailableTransferSyntaxUID"] == "1.2.840.10008.1.2.1"


@pytest.mark.parametrize("level", list(Level))
def test_pages_fit_together(storage: Storage, level: Level) -> None:
    match = Match(level)
    whole = list(storage.studies.find(match))
    pages = [row for offset in range(len(whole) + 1) for row in storage.studies.find(match, 1, offset)]
    assert pages == whole
    assert len(whole) == storage.studies.matching(match, 1.0)


def test_series_and_instances_come_in_the_order_of_their_numbers(storage: Storage) -> None:
    rows = storage.studies.find(matching(Level.INSTANCE, StudyInstanceUID="1.2.1", Modality="MR"))
    assert [row["InstanceNumber"] for row in rows] == ["1", "12"]


def test_counting_gives_up_when_it_takes_too_long(storage: Storage) -> None:
    keys = ", ".join(f"1.2.{n}" for n in range(3000)).replace(" ", "")
    assert storage.studies.matching(matching(StudyInstanceUID=keys), -1) is None
    assert storage.studies.matching(matching(StudyInstanceUID=keys), 10) == 5


def test_a_pattern_made_to_be_slow_is_answered(storage: Storage) -> None:
    assert found(storage, PatientID="*a" * 300) == set()


def test_the_walk_past_all_studies_and_the_lookup_of_a_few_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from appliance.storage.sqlite import fulltext

    storage = SqliteStorage(tmp_path / "index.sqlite3")
    enter(storage, *(header(number, "1", "1", values) for number, values in STUDIES.items()))
    keys = [{"PatientName": name} for name in ("*oe*", "yamada*", "Müller^Jörg^^Dr", "山田^太郎", "*rou")]
    keys += [{"StudyDescription": "*Kne*"}, {"AccessionNumber": "ACC[1]"}, {"ReferringPhysicianName": "*greg*"}]
    few = [found(storage, **key) for key in keys]
    monkeypatch.setattr(fulltext, "_FEW", -1)
    assert [found(storage, **key) for key in keys] == few
    assert all(few)
    storage.close()


LETTERS = "aAäbs^ =\\*?[]'\"%_山"


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(
    names=st.lists(st.text(LETTERS.translate({ord(c): None for c in "*?"}), max_size=9), min_size=1, max_size=6),
    pattern=st.text(LETTERS, min_size=1, max_size=6),
)
def test_names_match_as_a_plain_reading_of_the_rule_says(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], pattern: str
) -> None:
    storage = SqliteStorage(tmp_path_factory.mktemp("names") / "index.sqlite3")
    enter(storage, *(header(str(n), "1", "1", {"PatientName": name}) for n, name in enumerate(names)))
    match = Match(Level.STUDY, tuple(filter(None, [condition("PatientName", pattern)])))
    expected = {str(n) for n, name in enumerate(names) if not match.conditions or plainly(pattern, name)}
    assert numbers(storage, match) == expected
    storage.close()


def plainly(pattern: str, name: str) -> bool:
    """Every group of the key in some group of the name; an open component may be absent at either end."""
    groups = [fold(group) for group in re.split(r"[=\\]", name) if fold(group)]
    wanted = [fold(group) for group in pattern.strip(" ").split("=") if fold(group)]
    return all(any(_reads(each, group) for group in groups) for each in wanted)


def _reads(pattern: str, text: str) -> bool:
    regex = "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern)
    regex = re.sub(r"(\\ \.\*)+$", r"(\\ .*)?", re.sub(r"^(\.\*\\ )+", r"(.*\\ )?", regex))
    return re.fullmatch(regex, text) is not None
