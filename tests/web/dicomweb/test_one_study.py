"""A door whose guard lets in to one study alone, as a share's will: nothing else exists behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson
import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, HTTPGone, Request

from appliance.access.scope import Permission, Scope
from appliance.box import Box
from appliance.dicom.model import Study
from tests.support.clinic import filled
from tests.support.files import brainix, knee
from tests.support.indexing import stock
from web import errors
from web.dicomweb.access import Grant
from web.dicomweb.audited import JOURNAL
from web.dicomweb.routes import ROUTES, add_routes
from web.keys import BOX, RENDERER, SHIPPERS, THREADS
from web.rendering import Renderer
from web.threads import Threads

DOOR = "/s/abc/dicom-web"
Client = TestClient[Request, Application]


@pytest.fixture
def studies(box: Box) -> dict[str, Study]:
    stock(box, *brainix()[:3], *knee()[:3])
    return {study.patient_name: study for study in box.storage.studies.search("", 10)}


@pytest.fixture
async def client(box: Box, studies: dict[str, Study], renderer: Renderer) -> AsyncIterator[Client]:
    """A door to BRAINIX alone."""

    async def guard(request: Request) -> Grant:
        if request.match_info["code"] != "abc":
            raise HTTPGone
        may = frozenset((Permission.QUERY, Permission.RETRIEVE))
        return Grant(Scope("share 1", may, studies["BRAINIX"].study_instance_uid), lambda: None)

    app = Application(middlewares=[errors.middleware(errors.plain)])
    app[BOX], app[RENDERER], app[THREADS] = box, renderer, Threads(2, "index", box.close)
    app[JOURNAL], app[SHIPPERS] = box.journal("test"), Threads(2, "shipping", box.close)
    add_routes(app, "/s/{code}/dicom-web", guard)
    async with TestClient(TestServer(app)) as client:
        yield client
    app[SHIPPERS].close()
    app[THREADS].close()


async def test_searches_at_the_root_find_that_study_alone(client: Client, studies: dict[str, Study]) -> None:
    mine = studies["BRAINIX"].study_instance_uid
    other = studies["KNEE"].study_instance_uid
    for path in ("studies", "series", "instances"):
        for query in (
            "",
            "PatientName=*",
            f"StudyInstanceUID={mine},{other}",
            "includefield=all",
            "limit=100&offset=0",
        ):
            text = await (await client.get(f"{DOOR}/{path}?{query}")).text()
            assert mine in text
            assert other not in text
            assert "KNEE" not in text
        for query in ("PatientName=KNEE", f"StudyInstanceUID={other}", "PatientID=887"):
            assert await (await client.get(f"{DOOR}/{path}?{query}")).json() == []


async def test_no_warning_counts_what_is_hidden(client: Client) -> None:
    answer = await client.get(f"{DOOR}/studies?limit=1")
    assert "Warning" not in answer.headers
    answer = await client.get(f"{DOOR}/instances?limit=1")
    assert "There are 2 additional" in answer.headers["Warning"]


async def test_no_path_leads_to_another_study(client: Client, box: Box, studies: dict[str, Study]) -> None:
    mine = studies["BRAINIX"].study_instance_uid
    other = box.storage.studies.instances(studies["KNEE"].study_instance_uid)[0]
    for study in (other.study_instance_uid, mine):
        uids = {"study": study, "series": other.series_instance_uid, "instance": other.sop_instance_uid}
        for path, _, _ in ROUTES:
            if "{" not in path or (study == mine and "{series}" not in path):
                continue
            answer = await client.get(DOOR + filled(path, **uids))
            found = await answer.read() if answer.status == 200 else b"[]"
            assert (answer.status == 404) or found == b"[]", path
            assert other.sop_instance_uid.encode() not in found


async def test_everything_of_its_own_study_is_there_under_its_own_root(
    client: Client, box: Box, studies: dict[str, Study]
) -> None:
    mine = box.storage.studies.instances(studies["BRAINIX"].study_instance_uid)[0]
    uids = {"study": mine.study_instance_uid, "series": mine.series_instance_uid, "instance": mine.sop_instance_uid}
    for path, _, _ in ROUTES:
        answer = await client.get(DOOR + filled(path, **uids))
        assert answer.status == 200, path
        content = await answer.read()
        if answer.content_type == "application/dicom+json":
            assert mine.study_instance_uid.encode() in content
            urls = _urls(orjson.loads(content))
            assert urls
            assert all(url.startswith(f"{DOOR}/studies/{mine.study_instance_uid}") for url in urls)


def _urls(value: object) -> list[str]:
    """Every URL in DICOM JSON."""
    if isinstance(value, list):
        return [url for each in value for url in _urls(each)]
    if not isinstance(value, dict):
        return []
    own = (
        [value["BulkDataURI"]] if "BulkDataURI" in value else value.get("Value", []) if value.get("vr") == "UR" else []
    )
    return [*own, *(url for each in value.values() for url in _urls(each))]


async def test_the_guard_is_asked_at_every_route(client: Client) -> None:
    for path, _, _ in ROUTES:
        answer = await client.get("/s/xyz/dicom-web" + filled(path, study="1.2", series="1.3", instance="1.4"))
        assert answer.status == 410
