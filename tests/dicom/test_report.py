"""Structured reports, read into trees."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from appliance.dicom.report import MOST_ITEMS, MOST_TEXT, Item, Observer, is_report, references, report
from tests.support.programs import program
from tests.support.reports import BASIC, COMPREHENSIVE, code, item, metadata, model


def every(root: Item) -> Iterator[Item]:
    yield root
    for each in root.items:
        yield from every(each)


def told_by_dcmtk(path: Path) -> list[str]:
    """A line an item, as dcmtk understands the tree."""
    done = subprocess.run(
        [program("dsrdump"), "-Er", "-Ev", "-Ec", "-Ee", path], capture_output=True, check=True, timeout=30
    )
    return [line for line in done.stdout.decode("latin-1").splitlines() if line.lstrip().startswith("<")]


def of(one: Dataset) -> Item:
    """An item alone in a report."""
    root = item("CONTAINER", "Root", ContentSequence=[one])
    return report(model(root)).root.items[0]


@pytest.mark.parametrize("path", [COMPREHENSIVE, BASIC], ids=lambda path: path.stem)
def test_a_real_report_has_the_items_that_dcmtk_finds_at_their_depth(path: Path) -> None:
    expected = told_by_dcmtk(path)
    found = list(every(report(metadata(path)).root))
    assert [each.place.count(".") for each in found] == [(len(line) - len(line.lstrip())) // 2 for line in expected]
    for each, line in zip(found, expected, strict=True):
        kind = re.search(r"\b([A-Z0-9]+):", line)
        assert each.kind == (kind.group(1) if kind else ""), line
        assert f'"{each.name}")' in line or not each.name
        assert each.relationship.lower() in line


def test_a_real_report_tells_whose_it_is_and_who_stands_for_it() -> None:
    found = report(metadata(COMPREHENSIVE))
    assert found.facts["PatientName"] == "Test, S R"
    assert found.made == "2001-02-13 18:47:46"
    assert (found.facts["CompletionFlag"], found.facts["VerificationFlag"]) == ("COMPLETE", "VERIFIED")
    assert found.observers[0] == Observer("Riesmeier, Jörg", "OFFIS e.V.", "2001-02-13 18:47:46")
    assert [one.sop_instance_uid for one in references(found.root)][:2] == ["9.8.7.6", "1.2.3.4.5.0"]
    assert next(one for one in references(found.root) if one.frames).frames == (5, 2)


def measured(number: str, unit: Dataset) -> Dataset:
    value = Dataset()
    value.NumericValue, value.MeasurementUnitsCodeSequence = number, [unit]
    return item("NUM", "Size", MeasuredValueSequence=[value])


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [
        ("3.50", code("millimeter", "mm", "UCUM"), "3.5 mm"),
        ("12", code("percent", "%", "UCUM"), "12 %"),
        ("62", code("beats per minute", "{H.B.}/min", "UCUM"), "62 beats per minute"),
        ("2", code("no units", "1", "UCUM"), "2"),
        ("7", code("finger widths", "fw", "99LOCAL"), "7 finger widths"),
    ],
)
def test_a_number_has_its_unit_as_people_write_it(number: str, unit: Dataset, text: str) -> None:
    assert of(measured(number, unit)).text == text


def test_a_number_that_is_missing_says_why() -> None:
    assert of(item("NUM", "Size", NumericValueQualifierCodeSequence=[code("Not a number")])).text == "Not a number"


@pytest.mark.parametrize(
    ("kind", "values", "text"),
    [
        ("DATE", {"Date": "20261129"}, "2026-11-29"),
        ("TIME", {"Time": "181530.25"}, "18:15:30"),
        ("DATETIME", {"DateTime": "20261129181530.5+0100"}, "2026-11-29 18:15:30 +0100"),
        ("DATETIME", {"DateTime": "202611"}, "2026-11"),
        ("PNAME", {"PersonName": "Yamada^Tarou=山田^太郎"}, "Yamada, Tarou 山田 太郎"),
        ("UIDREF", {"UID": "1.2.3"}, "1.2.3"),
        ("CODE", {"ConceptCodeSequence": [code("Mass")]}, "Mass"),
        ("CODE", {"ConceptCodeSequence": [code("", "T-1", "SRT")]}, "T-1 (SRT)"),
        ("TEXT", {"TextValue": "one\r\ntwo\rthree\x00\x1b\n four "}, "one\ntwo\nthree\n four"),
        ("SCOORD", {"GraphicType": "POINT", "GraphicData": [1.5, 2]}, "POINT 1.5, 2"),
        ("SCOORD3D", {"GraphicType": "POLYGON", "GraphicData": [1.0] * 99}, f"POLYGON {'1, ' * 15}1 …"),
        ("TCOORD", {"TemporalRangeType": "POINT", "ReferencedTimeOffsets": 2.5}, "POINT 2.5"),
        ("TEXT", {}, ""),
        ("SOMETHING NEW", {"TextValue": "unseen"}, ""),
    ],
)
def test_a_value_of_each_type_is_written_as_people_do(kind: str, values: dict[str, object], text: str) -> None:
    assert of(item(kind, "Name", **values)).text == text


def test_an_item_may_stand_for_another() -> None:
    one = Dataset()
    one.RelationshipType, one.ReferencedContentItemIdentifier = "INFERRED FROM", [1, 2, 3]
    assert (of(one).target, of(one).relationship) == ("1.2.3", "INFERRED FROM")


def test_more_items_than_anybody_reads_are_cut_off_and_that_is_told() -> None:
    few = [item("TEXT", "Name") for _ in range(100)]
    assert not report(model(item("CONTAINER", "Root", ContentSequence=few))).is_cut
    many = item("CONTAINER", "Root", ContentSequence=few)
    for _ in range(2):
        many = item("CONTAINER", "Root", ContentSequence=[many] * 15)
    found = report(model(many))
    assert found.is_cut
    assert len(list(every(found.root))) == MOST_ITEMS + 1


def test_more_text_than_anybody_reads_is_cut_off_too() -> None:
    items = [item("TEXT", "Name", TextValue="x" * 100_000) for _ in range(60)]
    found = report(model(item("CONTAINER", "Root", ContentSequence=items)))
    assert found.is_cut
    assert MOST_TEXT <= sum(len(each.text) for each in found.root.items) < MOST_TEXT + 200_000


def test_of_many_frames_some_are_named() -> None:
    one = Dataset()
    one.ReferencedSOPClassUID, one.ReferencedSOPInstanceUID = "1.2", "1.2.3"
    one.ReferencedFrameNumber = list(range(1, 1001))
    found = of(item("IMAGE", "Image", ReferencedSOPSequence=[one])).reference
    assert found is not None
    assert (found.frames, found.has_more) == (tuple(range(1, 17)), True)


def test_a_place_is_made_of_numbers_alone() -> None:
    model = b'{"0040A730":{"vr":"SQ","Value":[{"0040DB73":{"vr":"LT","Value":["1\\u0001"]}}]}}'
    assert report(model).root.items[0].target == ""


def test_a_data_set_without_content_is_a_report_without_content() -> None:
    found = report(b"{}")
    assert (found.root.items, found.root.text, found.facts, found.observers) == ((), "", {}, ())


@pytest.mark.parametrize(
    ("uid", "expected"),
    [
        ("1.2.840.10008.5.1.4.1.1.88.11", True),
        ("1.2.840.10008.5.1.4.1.1.88.67", True),
        ("1.2.840.10008.5.1.4.1.1.88.59", False),
        ("1.2.840.10008.5.1.4.1.1.8", False),
        ("1.2.840.10008.5.1.4.1.1.104.1", False),
    ],
)
def test_reports_are_told_by_their_class_and_a_selection_of_images_is_none(uid: str, expected: bool) -> None:
    assert is_report(uid) is expected
