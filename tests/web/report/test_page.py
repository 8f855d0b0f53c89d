"""A report as a page."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from appliance.dicom.report import report
from tests.support.reports import BASIC, COMPREHENSIVE, code, item, metadata, model
from web.report import texts
from web.report.page import Link, page
from web.report.plain import plain

HOSTILE = "</p><script>x()</script><img src=x onerror=y()>&'{{7*7}}"


class Reader(HTMLParser):
    """What a browser makes of it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.said = ""
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids |= {value for name, value in attrs if name == "id" and value}
        self.links += [value for name, value in attrs if name == "href" and value]

    def handle_data(self, data: str) -> None:
        self.said += data


def shown(*items: Dataset, **facts: object) -> str:
    root = item("CONTAINER", "Report", ContentSequence=list(items))
    for keyword, value in facts.items():
        setattr(root, keyword, value)
    return page(report(model(root)), {})


@pytest.mark.parametrize("path", [COMPREHENSIVE, BASIC], ids=lambda path: path.stem)
def test_a_real_report_is_html_and_xml_with_every_link_inside_going_somewhere(path: Path) -> None:
    text = page(report(metadata(path)), {})
    ET.fromstring(text)
    read = Reader(text)
    assert {link.removeprefix("#") for link in read.links} <= read.ids
    assert len(read.links) == (2 if path is COMPREHENSIVE else 0)


def test_what_a_report_says_is_text_and_never_markup() -> None:
    text = shown(item("TEXT", HOSTILE, TextValue=HOSTILE), PatientName=HOSTILE, CompletionFlagDescription=HOSTILE)
    read = Reader(text)
    assert "script" not in read.tags
    assert "img" not in read.tags
    assert read.said.count("<script>x()</script>") == 4
    assert "{{7*7}}" in read.said


@given(st.text())
def test_any_text_makes_a_page_that_is_xml_too(text: str) -> None:
    made = b'{"0040A040":{"vr":"CS","Value":["TEXT"]},"0040A160":{"vr":"UT","Value":[%s]}}'
    try:
        value = orjson.dumps(text)
    except TypeError:  # halves of characters, which the index doesn't have either
        return
    ET.fromstring(page(report(made % value), {}))


def test_sections_are_headings_and_deeper_ones_smaller() -> None:
    inner = item("CONTAINER", "Lungs", ContentSequence=[item("TEXT", "Finding", TextValue="Clear.")])
    text = shown(item("CONTAINER", "Findings", ContentSequence=[inner]))
    assert re.findall(r"<(h\d)[^>]*>([^<]+)<", text) == [("h1", "Report"), ("h2", "Findings"), ("h3", "Lungs")]


def test_what_reads_as_one_text_is_one_paragraph() -> None:
    flowing = item("CONTAINER", "Findings", ContinuityOfContent="CONTINUOUS")
    flowing.ContentSequence = [item("TEXT", "a", TextValue="A mass of"), item("TEXT", "b", TextValue="3 cm.")]
    assert "a: A mass of b: 3 cm." in " ".join(Reader(shown(flowing)).said.split())


def test_in_it_no_item_loses_what_it_is_called_nor_when_it_was_observed() -> None:
    """`Carcinoma` alone says the opposite of what was meant."""
    flowing = item("CONTAINER", "Findings", ContinuityOfContent="CONTINUOUS")
    flowing.ContentSequence = [
        item("CODE", "Excluded diagnosis", ConceptCodeSequence=[code("Carcinoma")]),
        item("TEXT", "Text", TextValue="No change", ObservationDateTime="20200102"),
        item("TEXT", "Text", TextValue="since then."),
    ]
    said = " ".join(Reader(shown(flowing)).said.split())
    assert "Excluded diagnosis: Carcinoma Text: No change (observed 2020-01-02) since then." in said


def test_what_the_index_left_in_the_file_is_missed_where_it_belongs_and_at_the_top() -> None:
    uri = b'{"vr":"UT","BulkDataURI":"x"}'
    content = b'{"0040A040":{"vr":"CS","Value":["TEXT"]},"0040A160":%s}' % uri
    made = b'{"0040A040":{"vr":"CS","Value":["CONTAINER"]},"0040A730":{"vr":"SQ","Value":[%s]}}' % content
    for said in (Reader(page(report(made), {})).said, plain(report(made))):
        assert said.index(texts.CUT) < said.index(texts.LEFT_OUT)
    assert texts.CUT not in shown(item("TEXT", "a", TextValue="b"))


def test_thousands_of_items_that_stand_for_a_long_one_make_no_long_page() -> None:
    items = [item("TEXT", "", TextValue="x" * 100_000)]
    del items[0].ConceptNameCodeSequence
    for _ in range(1000):
        one = Dataset()
        one.RelationshipType, one.ReferencedContentItemIdentifier = "INFERRED FROM", [1, 1]
        items.append(one)
    root = report(model(item("CONTAINER", "Report", ContentSequence=items)))
    assert len(page(root, {})) < 600_000
    assert len(plain(root)) < 300_000


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({"VerificationFlag": "UNVERIFIED"}, "UNVERIFIED"),
        ({"CompletionFlag": "PARTIAL"}, "PARTIAL"),
        ({"PreliminaryFlag": "PRELIMINARY"}, "PRELIMINARY"),
    ],
)
def test_a_reader_does_not_overlook_that_a_report_is_not_the_last_word(facts: dict[str, str], state: str) -> None:
    assert f'<span class="open">{texts.STATES[state]}</span>' in shown(**facts)
    assert 'class="open"' not in shown(VerificationFlag="VERIFIED", CompletionFlag="COMPLETE", PreliminaryFlag="FINAL")


def test_an_image_of_the_study_is_linked_and_another_is_not() -> None:
    references = []
    for uid in ("1.2.3", "1.2.4"):
        one = Dataset()
        one.ReferencedSOPClassUID, one.ReferencedSOPInstanceUID, one.ReferencedFrameNumber = "1.2", uid, 5
        references.append(item("IMAGE", "Key image", ReferencedSOPSequence=[one]))
    root = item("CONTAINER", "Report", ContentSequence=references)
    text = page(report(model(root)), {"1.2.3": Link("/there", "/small", "MR, image 3")})
    read = Reader(text)
    assert read.links == ["/there"]
    assert 'src="/small"' in text
    assert "MR, image 3, frame 5" in " ".join(read.said.split())
    assert texts.ELSEWHERE in read.said


def test_an_empty_report_says_so() -> None:
    assert texts.NO_CONTENT in page(report(b"{}"), {})
