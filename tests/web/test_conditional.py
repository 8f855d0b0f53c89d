"""What the client has already, or a part of: as RFC 9110 13 says, whatever else it sends."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from web import conditional
from web.ranges import asked_for

MODIFIED = datetime(1994, 11, 6, 8, 49, 37, 900_000, tzinfo=UTC)
HEADERS = conditional.validators("abc", MODIFIED)
DATE, BEFORE, LATER = (f"Sun, 06 Nov 1994 08:49:{second} GMT" for second in (37, 36, 38))
OTHER_FORMS = ("Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994")
BAD = (
    "",
    "yesterday",
    "Sun, 06 Foo 1994 08:49:37 GMT",
    "784111777",
    "Sun, 31 Feb 2094 08:49:37 GMT",
    '"abc"',
    "9" * 400,
)


def has(*said: tuple[str, str], method: str = "GET", headers: dict[str, str] = HEADERS) -> bool:
    try:
        conditional.check(make_mocked_request(method, "/", CIMultiDict(said)), headers)
    except web.HTTPNotModified as answer:
        assert headers.items() <= dict(answer.headers).items()
        return True
    return False


def test_dates_have_whole_seconds() -> None:
    assert HEADERS == {"ETag": '"abc"', "Last-Modified": DATE}
    assert conditional.validators("abc", weak=True) == {"ETag": 'W/"abc"'}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("date", [DATE, LATER, *OTHER_FORMS, "Mon, 06 Nov 2094 08:49:37 GMT"])
def test_who_has_it_since_then_has_it(method: str, date: str) -> None:
    assert has(("If-Modified-Since", date), method=method)


@pytest.mark.parametrize("date", [BEFORE, "Sun, 06-Nov-94 08:49:36 GMT", *BAD])
def test_an_older_date_or_none_does_not_count(date: str) -> None:
    assert not has(("If-Modified-Since", date))


def test_a_date_counts_only_once_for_reading_and_where_there_is_no_tag() -> None:
    date = ("If-Modified-Since", DATE)
    assert not has(date, date)
    assert not has(date, method="POST")
    assert not has(date, ("If-None-Match", '"other"'))
    assert not has(date, ("If-None-Match", ""))
    assert not has(date, headers=conditional.validators("abc"))


@pytest.mark.parametrize("tags", ['"abc"', 'W/"abc"', '"x", W/"abc"', "*", '"a,b" ,"abc"'])
def test_a_tag_counts_weakly_whatever_the_date(tags: str) -> None:
    for headers in (HEADERS, conditional.validators("abc", MODIFIED, weak=True)):
        assert has(("If-None-Match", tags), ("If-Modified-Since", BEFORE), headers=headers)
    assert has(("If-None-Match", '"x"'), ("If-None-Match", tags))


@pytest.mark.parametrize("tags", ['"x"', "abc", '"ab', '"abc', "W/abc", '"ABC"', '"a*"', "abc*", "*a"])
def test_another_tag_does_not(tags: str) -> None:
    assert not has(("If-None-Match", tags))


def part(*said: tuple[str, str], method: str = "GET", headers: dict[str, str] = HEADERS) -> tuple[int, int]:
    request = make_mocked_request(method, "/", CIMultiDict([("Range", "bytes=2-4"), *said]))
    start, stop, told = asked_for(request, 10, headers)
    assert headers.items() <= told.items()
    assert ("Content-Range" in told) == ((start, stop) == (2, 5))
    return start, stop


@pytest.mark.parametrize("said", [[], ['"abc"'], [DATE], [OTHER_FORMS[1]]])
def test_a_part_of_what_is_unchanged_comes_alone(said: list[str]) -> None:
    assert part(*(("If-Range", one) for one in said)) == (2, 5)


@pytest.mark.parametrize(
    "said", [['"x"'], ['W/"abc"'], [LATER], [BEFORE], ["abc"], ['"abc"', '"abc"'], *([b] for b in BAD[:5])]
)
def test_else_all_of_it_comes(said: list[str]) -> None:
    assert part(*(("If-Range", one) for one in said)) == (0, 10)


def test_parts_fit_to_no_weak_tag_and_a_head_has_none() -> None:
    weak = conditional.validators("abc", weak=True)
    assert part(("If-Range", 'W/"abc"'), headers=weak) == (0, 10)
    assert part(("If-Range", '"abc"'), headers=weak) == (0, 10)
    assert part(("If-Range", DATE), headers=weak) == (0, 10)
    assert part(method="HEAD") == (0, 10)


NAMES = ("If-None-Match", "If-Modified-Since", "If-Range", "Range")


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.text(max_size=40) | st.sampled_from([DATE, *BAD])), max_size=4))
def test_nothing_is_too_odd(said: list[tuple[str, str]]) -> None:
    has(*said)
    conditional.is_unchanged(make_mocked_request("GET", "/", CIMultiDict(said)), HEADERS)
