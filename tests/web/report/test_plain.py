"""A report as plain text."""

from __future__ import annotations

from appliance.dicom.report import report
from tests.support.reports import BASIC, COMPREHENSIVE, metadata
from web.report import texts
from web.report.plain import plain


def test_a_real_report_reads_from_top_to_bottom() -> None:
    lines = plain(report(metadata(COMPREHENSIVE))).splitlines()
    assert lines[0] == "Diagnosis"
    assert lines[1] == "Complete; Verified"
    assert "Patient: Test, S R" in lines
    start = lines.index("Code: Sample Text")
    assert lines[start : start + 5] == [
        "Code: Sample Text",
        "  A",
        "  B",
        "  C",
        "  inferred from Code: Inferred Sample Text",
    ]
    assert "    selected from see SCoord Code" in lines
    assert "Image 1.2.3.4.5.0, frame 5, frame 2" in lines
    assert lines[-1] == "Verified by Observer, Verifying, Organisation, 2001-02-13 18:47:46"


def test_the_sex_is_a_word() -> None:
    lines = plain(report(metadata(BASIC))).splitlines()
    assert "Sex: other" in lines


def test_an_empty_report_says_so() -> None:
    assert texts.NO_CONTENT in plain(report(b"{}"))
