"""Accept headers, as clients really write them."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from web.dicomweb.accept import JSON, MediaRange, accepted, choose


def ranges(*headers: str, query: str = "") -> list[MediaRange]:
    return accepted(make_mocked_request("GET", f"/x{query}", [("Accept", header) for header in headers]))


@pytest.mark.parametrize(
    ("header", "media_type", "multipart", "syntax"),
    [
        ("application/dicom", "application/dicom", False, ""),
        ("APPLICATION/DICOM", "application/dicom", False, ""),
        ('multipart/related; type="application/dicom"', "application/dicom", True, ""),
        ("multipart/related;type=application/dicom", "application/dicom", True, ""),
        ('multipart/related; type="application/dicom"; transfer-syntax=*', "application/dicom", True, "*"),
        ('multipart/related; type="application/dicom";transfer-syntax="1.2.3"', "application/dicom", True, "1.2.3"),
        ("multipart/related; transfer-syntax=*", "*/*", True, "*"),
        ("multipart/related; type=application/octet-stream; transfer-syntax=*", "application/octet-stream", True, "*"),
        ('application/dicom; Transfer-Syntax = "1.2.3" ; q=0.5', "application/dicom", False, "1.2.3"),
        ('application/dicom; note="a, b; c \\" d"; transfer-syntax=1.2', "application/dicom", False, "1.2"),
    ],
)
def test_a_range_is_read_quoted_and_unquoted(header: str, media_type: str, multipart: bool, syntax: str) -> None:
    (each,) = ranges(header)
    assert (each.media_type, each.multipart, each.transfer_syntax) == (media_type, multipart, syntax)


@pytest.mark.parametrize("headers", [(), ("",), (" ",)])
def test_who_says_nothing_takes_everything(headers: tuple[str, ...]) -> None:
    assert [each.media_type for each in ranges(*headers)] == ["*/*"]


def test_ranges_come_by_quality_then_as_written_across_headers() -> None:
    found = ranges("a/a;q=0.2, b/b", "c/c;q=0.9, d/d, e/e;q=0")
    assert [each.media_type for each in found] == ["b/b", "d/d", "c/c", "a/a"]


def test_the_query_parameter_stands_in_for_the_header() -> None:
    found = ranges("text/html", query="?accept=application/dicom;q=0.5,image/jpeg")
    assert [each.media_type for each in found] == ["image/jpeg", "application/dicom"]


@pytest.mark.parametrize(
    "header",
    [
        "application/dicom+json",
        "application/json",
        "*/*",
        "application/*",
        'application/dicom+json, multipart/related; type="application/octet-stream"',
        'multipart/related; type="application/dicom+xml", application/dicom+json',
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    ],
)
def test_json_is_chosen_where_it_is_taken_at_all(header: str) -> None:
    assert choose(ranges(header), (JSON, "application/json")).endswith("json")


def test_the_clients_order_wins_over_ours() -> None:
    assert choose(ranges("application/json, application/dicom+json"), (JSON, "application/json")) == "application/json"


@pytest.mark.parametrize(
    "header", ["text/plain", "application/dicom+xml", f"multipart/related; type={JSON}", "nonsense"]
)
def test_who_takes_nothing_that_we_have_is_told_what_there_is(header: str) -> None:
    with pytest.raises(web.HTTPNotAcceptable) as fault:
        choose(ranges(header), (JSON,))
    assert JSON in fault.value.reason


@given(st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=200))
def test_no_header_is_too_odd(header: str) -> None:
    for each in ranges(header):
        assert 0 < each.quality <= 1
        assert "/" in each.media_type
