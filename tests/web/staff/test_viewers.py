"""The pages for staff behind the login: the list of studies, and what opens one elsewhere."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qs, unquote, urlsplit

import pydicom
import pytest
from aiohttp.test_utils import TestClient, TestServer

from appliance.box import Box
from appliance.storage.rows import Person
from tests.conftest import Fill
from tests.support.files import PYDICOM
from tests.support.waiting import wait_for
from tests.web.staff.conftest import BROWSER, PASSWORD, Door, configured
from web.app import clinic_app
from web.rendering import Renderer

CT = PYDICOM / "test_files" / "CT_small.dcm"
MR = PYDICOM / "test_files" / "MR_small.dcm"
UID = str(pydicom.dcmread(CT).StudyInstanceUID)


@pytest.fixture
def stocked(fill: Fill) -> None:
    fill([CT, MR])


async def enter(door: Door) -> None:
    form = {"name": "Anna Berg", "password": PASSWORD}
    origin = {"Origin": str(door.make_url("")).rstrip("/")}
    assert (await door.post("/login", data=form, headers=origin, allow_redirects=False)).status == 303


@pytest.mark.usefixtures("stocked")
async def test_programs_are_told_every_viewer_s_name_and_address(lan: Door, anna: Person, box: Box) -> None:
    token = box.tokens.create("RIS", ["query", "retrieve"]).text
    answer = await lan.get(f"/staff/studies/{UID}/viewers", headers={"Authorization": f"Bearer {token}"})
    told = await answer.json()
    assert (answer.status, told["study"]) == (200, UID)
    assert answer.headers["Cache-Control"] == "no-store"
    links = {each["name"]: each for each in told["viewers"]}
    assert {"Weasis", "3D Slicer", "Horos", "OsiriX", "RadiAnt", "MicroDicom"} <= links.keys()
    assert all(each.keys() == {"name", "url", "by", "needs", "expires"} for each in links.values())
    assert links["RadiAnt"]["expires"] is None
    assert links["Weasis"]["expires"].endswith("Z") or "+00:00" in links["Weasis"]["expires"]


@pytest.mark.usefixtures("stocked")
async def test_a_viewer_fetches_its_one_study_by_its_link_and_nothing_else(lan: Door, anna: Person, box: Box) -> None:
    await enter(lan)
    links = (await (await lan.get(f"/staff/studies/{UID}/viewers")).json())["viewers"]
    query = parse_qs(urlsplit(next(each["url"] for each in links if each["name"] == "3D Slicer")).query)
    (endpoint,), (text,) = query["dicomweb_endpoint"], query["access_token"]
    assert endpoint == str(lan.make_url("/dicom-web"))
    lan.session.cookie_jar.clear()
    bearer = {"Authorization": f"Bearer {text}"}
    series = await (await lan.get(f"/dicom-web/studies/{UID}/series", headers=bearer)).json()
    assert len(series) == 1
    study = await lan.get(f"/dicom-web/studies/{UID}", headers=bearer)
    assert study.status == 200
    assert len(await study.read()) > 30_000
    assert len(await (await lan.get("/dicom-web/studies", headers=bearer)).json()) == 1
    other = str(pydicom.dcmread(MR).StudyInstanceUID)
    assert (await lan.get(f"/dicom-web/studies/{other}/metadata", headers=bearer)).status == 404
    stow = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=x'}
    assert (await lan.post("/dicom-web/studies", data=b"--x--", headers=bearer | stow)).status == 403
    assert (await lan.get(f"/staff/studies/{UID}/viewers", headers=bearer)).status == 403
    box.staff.disable("Anna Berg")
    assert (await lan.get(f"/dicom-web/studies/{UID}", headers=bearer)).status == 401


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize("trusted", ["127.0.0.1", "192.0.2.1"])
async def test_behind_a_proxy_links_lead_to_it(box: Box, renderer: Renderer, trusted: str) -> None:
    there = Box(configured(box.config, web_trusted_proxies=trusted))
    token = {"Authorization": f"Bearer {box.tokens.create('RIS', ['query', 'retrieve']).text}"}
    ways = (
        {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "pacs.example", "X-Forwarded-Port": "8443"},
        {"Forwarded": 'for=192.0.2.7;proto=https;host="pacs.example:8443"'},
    )
    async with TestClient(TestServer(clinic_app(there, renderer))) as door:
        outside = "https://pacs.example:8443/box" if trusted == "127.0.0.1" else str(door.make_url("")).rstrip("/")
        for way in ways:
            told = token | way | {"X-Forwarded-Prefix": "/box"}
            links = (await (await door.get(f"/staff/studies/{UID}/viewers", headers=told)).json())["viewers"]
            query = parse_qs(urlsplit(next(each["url"] for each in links if each["name"] == "3D Slicer")).query)
            assert query["dicomweb_endpoint"] == [f"{outside}/dicom-web"]
    there.close()


@pytest.mark.usefixtures("stocked")
async def test_people_get_a_page_with_the_same_links(lan: Door, anna: Person) -> None:
    await enter(lan)
    page = await (await lan.get(f"/staff/studies/{UID}/viewers", headers=BROWSER)).text()
    assert "CompressedSamples, CT1" in page
    assert "Anna Berg" in page
    links = [unescape(link) for link in re.findall(r'class="open" href="([^"]+)"', page)]
    assert {link.split(":")[0] for link in links} >= {"weasis", "slicer", "horos", "osirix", "radiant", "microdicom"}
    assert not [link for link in links if "Compressed" in unquote(link)]
    assert re.search(r"This link works until \d\d:\d\d\.", page)


async def test_what_is_not_here_has_no_page(lan: Door, anna: Person) -> None:
    assert (await lan.get(f"/staff/studies/{UID}/viewers")).status == 401
    await enter(lan)
    assert (await lan.get(f"/staff/studies/{UID}/viewers")).status == 404
    assert (await lan.get("/staff/studies/nonsense/viewers")).status == 400


@pytest.mark.usefixtures("stocked")
async def test_the_first_page_lists_studies_and_searches_without_a_name_in_the_address(lan: Door, anna: Person) -> None:
    assert "Log in" in await (await lan.get("/", headers=BROWSER)).text()
    await enter(lan)
    page = await (await lan.get("/", headers=BROWSER)).text()
    assert page.count("/viewers") == 2
    assert 'method="post" action="/" role="search"' in page
    origin = {"Origin": str(lan.make_url("")).rstrip("/")}
    found = await lan.post("/", data={"search": "samples ct1"}, headers=BROWSER | origin)
    text = await found.text()
    assert (text.count("/viewers"), text.count(UID)) == (1, 1)
    assert "Nothing fits." in await (await lan.post("/", data={"search": "<b>"}, headers=origin)).text()
    assert (await lan.post("/", data={"search": "samples"})).status == 403


@pytest.mark.usefixtures("stocked")
async def test_on_this_machine_the_pages_need_nobody(box: Box, renderer: Renderer) -> None:
    async with TestClient(TestServer(clinic_app(box, renderer))) as home:
        page = await (await home.get("/", headers=BROWSER)).text()
        assert "this machine" in page
        assert "Log out" not in page


@pytest.mark.usefixtures("stocked")
async def test_the_audit_says_who_made_links_and_who_came_by_one(lan: Door, anna: Person, box: Box) -> None:
    await enter(lan)
    links = (await (await lan.get(f"/staff/studies/{UID}/viewers")).json())["viewers"]
    text = parse_qs(urlsplit(next(each["url"] for each in links if each["name"] == "3D Slicer")).query)["access_token"][
        0
    ]
    lan.session.cookie_jar.clear()
    await lan.get(f"/dicom-web/studies/{UID}/metadata", headers={"Authorization": f"Bearer {text}"})

    def told() -> set[tuple[str, str, str]]:
        return {(row.who, row.resource, row.study_instance_uid) for row in box.storage.audit.rows()}

    wanted = {("staff Anna Berg", "viewers", UID), ("staff Anna Berg by link", "metadata", UID)}
    wait_for(lambda: wanted <= told(), 30, "the audit")
