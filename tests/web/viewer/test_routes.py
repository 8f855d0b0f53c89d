"""Where the viewer opens, for whom, and what it is told about the door."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

import pytest

from appliance.box import Box
from appliance.config import load
from appliance.full_viewer import Viewer
from tests.conftest import Fill
from tests.support.files import PYDICOM
from tests.web.viewer.conftest import Client, Opens
from web.app import clinic_app, public_app
from web.rendering import Renderer

CT = PYDICOM / "test_files" / "CT_small.dcm"


def told(script: str) -> dict[str, object]:
    """The settings in the script."""
    found = re.search(r"window\.config = (.*);\n", script)
    assert found
    settings: dict[str, object] = json.loads(found[1])
    return settings


class Link:
    """A share as its patient has it, opened."""

    def __init__(self, box: Box) -> None:
        self.study = box.storage.studies.search("", 1)[0].study_instance_uid
        self.new = box.sharing.create(self.study)
        self.path = urlsplit(self.new.link).path

    async def enter(self, client: Client) -> None:
        async with client.post(self.path, data={"pin": self.new.pin}, allow_redirects=False) as answer:
            assert answer.status == 303


@pytest.fixture
def link(box: Box, fill: Fill) -> Link:
    fill([CT])
    return Link(box)


async def test_staff_get_the_list_of_studies(staff: Client) -> None:
    for path in ("/ohif", "/ohif/", "/ohif/viewer?StudyInstanceUIDs=1.2"):
        async with staff.get(path) as answer:
            assert answer.status == 200
            page = await answer.text()
        assert '<script src="/ohif/settings.js"></script>' in page
        assert '<script defer src="/ohif/0123456789ab/app.bundle.js"></script>' in page
        assert not re.search(r"<script(?![^>]*\bsrc=)", page)
        assert "script-src 'self' 'wasm-unsafe-eval';" in answer.headers["Content-Security-Policy"]
    async with staff.get("/ohif/settings.js") as answer:
        assert answer.content_type == "text/javascript"
        script = await answer.text()
    assert script.startswith('window.PUBLIC_URL = "/ohif/0123456789ab/";\n')
    settings = told(script)
    assert settings["showStudyList"] is True
    assert settings["routerBasename"] == "/ohif"


async def test_a_proxys_path_goes_before_every_address(patient: Client, link: Link) -> None:
    await link.enter(patient)
    outside = {"X-Forwarded-Prefix": "/box"}
    async with patient.get(f"{link.path}/viewer", headers=outside, allow_redirects=False) as answer:
        assert answer.headers["Location"].startswith("/box/s/")
    async with patient.get(f"{link.path}/viewer?StudyInstanceUIDs={link.study}", headers=outside) as answer:
        found = re.findall(r'(?:src|href)="([^"]+)"', await answer.text())
    assert found
    assert all(path.startswith("/box/") for path in found)
    async with patient.get(link.path + "/viewer/settings.js", headers=outside) as answer:
        script = await answer.text()
    assert script.startswith('window.PUBLIC_URL = "/box/ohif/0123456789ab/";\n')
    assert told(script)["routerBasename"] == "/box" + link.path
    assert f'"qidoRoot":"/box{link.path}/dicom-web"' in script


async def test_a_share_opens_on_its_own_study_whatever_is_asked(patient: Client, link: Link) -> None:
    await link.enter(patient)
    for asked in ("", "?StudyInstanceUIDs=1.2.3", f"?StudyInstanceUIDs={link.study}&StudyInstanceUIDs=1.2.3"):
        async with patient.get(f"{link.path}/viewer{asked}", allow_redirects=False) as answer:
            assert answer.status == 303
            assert answer.headers["Location"] == f"{link.path}/viewer?StudyInstanceUIDs={link.study}"
    async with patient.get(answer.headers["Location"]) as answer:
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    async with patient.get(f"{link.path}/viewer/settings.js") as answer:
        settings = told(await answer.text())
    assert settings["showStudyList"] is False
    assert settings["routerBasename"] == link.path


async def test_without_the_pin_there_is_no_viewer(patient: Client, link: Link) -> None:
    for path in ("/viewer", "/viewer/settings.js"):
        async with patient.get(link.path + path, allow_redirects=False) as answer:
            assert answer.status == 401


async def test_revoking_ends_it(patient: Client, link: Link, box: Box) -> None:
    await link.enter(patient)
    box.sharing.revoke(link.new.share.id)
    async with patient.get(link.path + "/viewer") as answer:
        assert answer.status == 410


async def test_the_page_of_images_offers_it(patient: Client, link: Link) -> None:
    await link.enter(patient)
    async with patient.get(link.path) as answer:
        assert f'href="{link.path}/viewer"' in await answer.text()


async def test_the_list_of_studies_is_not_at_the_patient_door(patient: Client, link: Link) -> None:
    await link.enter(patient)
    for path in ("/ohif", "/ohif/", "/ohif/settings.js", link.path + "/viewer/", link.path + "/basic"):
        async with patient.get(path) as answer:
            assert answer.status == 404, path


async def test_without_a_viewer_staff_are_told_what_to_do_and_patients_nothing(
    box: Box, renderer: Renderer, aiohttp_client: Opens, link: Link
) -> None:
    staff = await aiohttp_client(clinic_app(box, renderer))
    async with staff.get("/ohif/") as answer:
        assert answer.status == 404
        assert "make viewer" in await answer.text()
    patient = await aiohttp_client(public_app(box, renderer))
    await link.enter(patient)
    async with patient.get(link.path) as answer:
        assert answer.status == 200
        assert "/viewer" not in re.sub(r'/static/[^"]*', "", await answer.text())
    async with patient.get(link.path + "/viewer") as answer:
        assert answer.status == 404


async def test_who_is_not_let_in_gets_no_list(
    box: Box, renderer: Renderer, viewer: Viewer, aiohttp_client: Opens
) -> None:
    environment = {"PACSBOX_DATA_DIR": str(box.data_dir), "PACSBOX_WEB_CLINIC_BIND": "192.0.2.1"}
    box.config = load(environment=environment)[0]
    staff = await aiohttp_client(clinic_app(box, renderer, viewer))
    for path in ("/ohif/", "/ohif/settings.js"):
        async with staff.get(path, allow_redirects=False) as answer:
            assert answer.status in (303, 401)


async def test_the_page_of_studies_leads_to_it(staff: Client, link: Link) -> None:
    async with staff.get("/") as answer:
        assert f'href="/ohif/viewer?StudyInstanceUIDs={link.study}"' in await answer.text()
