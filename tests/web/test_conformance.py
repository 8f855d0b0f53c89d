"""The conformance statement says what the program does: its tables are the program's own."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from appliance.box import Box
from appliance.cli.main import cli
from appliance.config import options
from appliance.conformance.attributes import matching
from appliance.conformance.statement import filled, statement
from appliance.dicom.attributes import ATTRIBUTES, BY_KEYWORD
from appliance.dimse import command
from appliance.dimse.service import Service
from tests.support.files import ROOT
from web.conformance import routes
from web.dicomweb.routes import ROUTES


@pytest.fixture
def said(box: Box) -> str:
    return statement(box.services(), routes())


def test_the_document_is_up_to_date(said: str) -> None:
    written = (ROOT / "docs" / "conformance.md").read_text("utf-8")
    assert written == said, "write it anew: pacsbox conformance > docs/conformance.md"


def test_the_command_prints_it(box: Box, said: str) -> None:
    done = CliRunner().invoke(cli, ["conformance"], env={"PACSBOX_DATA_DIR": str(box.config.data_dir)})
    assert done.stdout == said


def test_every_service_attribute_option_and_route_is_in_it(box: Box, said: str) -> None:
    wanted = [uid for service in box.services() for uid in service.sop_classes]
    wanted += [f"({a.tag >> 16:04X},{a.tag & 0xFFFF:04X}) | {a.keyword} |" for a in ATTRIBUTES]
    wanted += [f"| {option.key} |" for option in options() if option.section == "dicom"]
    wanted += [f"`{path}`" for path, *_ in ROUTES]
    assert [word for word in wanted if word not in said] == []


def test_it_says_what_becomes_of_what_is_sent_to_servers(said: str) -> None:
    rows = ("| C122H | sent in another transfer syntax |", "| 0111H | taken |", "| none, HTTP 413 | refused |")
    assert [row for row in rows if row not in said] == []


def test_a_new_service_comes_in_by_itself(said: str) -> None:
    protocols = Service("query", ("1.2.840.10008.5.1.4.20.1",), answers={command.C_FIND_RQ: lambda _request: None})
    row = "| Defined Procedure Protocol Information Model - FIND | C-FIND | query |"
    assert row in statement([protocols], routes())
    assert row not in said


@pytest.mark.parametrize(
    ("keyword", "how"),
    [
        ("StudyInstanceUID", "single value, list of UIDs"),
        ("PatientName", "single value and wildcard, without case and diacritics"),
        ("PatientID", "single value, wildcard"),
        ("StudyDate", "single value, range"),
        ("StudyTime", "single value, range"),
        ("SeriesNumber", "single value"),
        ("TimezoneOffsetFromUTC", "none"),
    ],
)
def test_matching_is_what_the_query_does(keyword: str, how: str) -> None:
    assert matching(BY_KEYWORD[keyword]) == how


@pytest.mark.parametrize(("template", "values"), [("{{ a }}", {}), ("", {"a": "1"})])
def test_the_prose_and_its_tables_belong_together(template: str, values: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="differ in a"):
        filled(template, values)
