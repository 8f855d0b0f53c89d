"""A structured report as its patient reads it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from appliance.box import Box
from tests.conftest import Fill
from tests.support.reports import about, item
from tests.web.portal.conftest import CT, Client, Enter, Link, Names, Shared


@pytest.fixture
def reported(tmp_path: Path, fill: Fill, shared: Shared) -> Link:
    """A link to a picture and what was found in it."""
    fill([CT, about(CT, tmp_path / "report.dcm", item("TEXT", "Finding", TextValue="<i>Nothing</i>"))])
    return shared()


def address(page: str) -> str:
    found = re.search(r'href="([^"]+/report)"', page)
    assert found, "the page of images has no report"
    return found.group(1)


async def test_a_report_opens_as_a_page_that_runs_nothing(
    client: Client, reported: Link, enter: Enter, box: Box
) -> None:
    await enter(client, reported)
    page = await (await client.get(reported.path)).text()
    assert "Findings" in page
    async with client.get(address(page)) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        policy = answer.headers["Content-Security-Policy"].split("; ")
        assert {"default-src 'none'", "img-src 'self'", "frame-ancestors 'none'"} < set(policy)
        assert "script" not in str(policy)
        assert answer.headers["Cache-Control"] == "no-store"
        report = await answer.text()
    assert "&lt;i&gt;Nothing&lt;/i&gt;" in report
    assert "Not verified" in report
    (opening,) = (one for one in box.sharing.openings(reported.id) if one.what == "document")
    assert opening.detail == "series 2"


async def test_the_picture_that_it_speaks_of_is_linked_by_a_name_that_tells_nothing(
    client: Client, reported: Link, enter: Enter
) -> None:
    await enter(client, reported)
    report = await (await client.get(address(await (await client.get(reported.path)).text()))).text()
    assert "CT, Image 1 of 1" in report
    for name in re.findall(r'(?:href|src)="(/[^"]+)"', report):
        assert re.fullmatch(rf"{reported.path}/i/[0-9a-f]{{16}}/(1|small)\.jpg", name)
        async with client.get(name) as answer:
            assert (answer.status, answer.content_type) == (200, "image/jpeg")


async def test_only_reports_are_read_and_only_after_the_pin(
    client: Client, reported: Link, enter: Enter, names: Names
) -> None:
    picture, report = (f"{reported.path}/i/{name}/report" for name in names(reported))
    assert (await client.get(report)).status == 401
    await enter(client, reported)
    assert (await client.get(report)).status == 200
    assert (await client.get(picture)).status == 404
    assert (await client.get(f"{reported.path}/i/{'0' * 16}/report")).status == 404
