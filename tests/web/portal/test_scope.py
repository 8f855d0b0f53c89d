"""A session opens one link to one study, and nothing beside it."""

from __future__ import annotations

from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import unquote

import pytest
from aiohttp import web
from pydicom import dcmread

from appliance.box import Box
from tests.conftest import Fill
from tests.support.files import PYDICOM
from tests.web.portal.conftest import CT, Client, Enter, Link, Names, Shared

MR = PYDICOM / "test_files" / "MR_small.dcm"
OPEN_TO_ALL = {"/", "/robots.txt", "/static/{digest}/{name}", "/s/{code}", "/s/{code}/", "/s/{code}/leave"}


@pytest.fixture
def two(fill: Fill, shared: Shared) -> tuple[Link, Link]:
    """Links to two studies."""
    fill([CT])
    first = shared()
    fill([MR])
    return first, shared()


async def test_the_cookie_is_for_one_link_and_for_no_script(client: Client, link: Link) -> None:
    async with client.post(link.path, data={"pin": link.pin}, allow_redirects=False) as answer:
        cookie = SimpleCookie(answer.headers["Set-Cookie"])["share"]
    assert cookie["path"] == link.path
    assert cookie["httponly"] is True
    assert cookie["samesite"] == "Lax"
    assert cookie["max-age"] == "3600"
    for secret in (link.code, link.pin, "CompressedSamples", link.new.share.study_instance_uid):
        assert secret not in unquote(cookie.value)


async def test_one_link_s_cookie_does_not_open_another(
    client: Client, two: tuple[Link, Link], enter: Enter, names: Names
) -> None:
    mine, other = two
    await enter(client, mine)
    cookie = client.session.cookie_jar.filter_cookies(client.make_url(mine.path))["share"].value
    stolen = {"Cookie": f"share={cookie}"}
    item = f"{other.path}/i/{names(other)[0]}"
    for path in (f"{item}/1.jpg", f"{item}/small.jpg", f"{other.path}/images.zip"):
        async with client.get(path, headers=stolen) as answer:
            assert answer.status == 401
    async with client.get(other.path, headers=stolen) as answer:
        assert "Please type the PIN" in await answer.text()


async def test_another_study_s_picture_is_not_found_under_my_link(
    client: Client, two: tuple[Link, Link], enter: Enter, names: Names
) -> None:
    mine, other = two
    await enter(client, mine)
    async with client.get(f"{mine.path}/i/{names(other)[0]}/1.jpg") as answer:
        assert answer.status == 404


async def test_two_links_to_one_study_name_its_pictures_differently(link: Link, shared: Shared, names: Names) -> None:
    assert not set(names(link)) & set(names(shared(link.new.share.study_instance_uid)))


async def test_a_later_study_of_the_same_patient_stays_invisible(
    client: Client, link: Link, enter: Enter, fill: Fill, tmp_path: Path, box: Box, names: Names
) -> None:
    before = names(link)
    later = dcmread(CT)
    later.StudyInstanceUID += ".1"
    later.SeriesInstanceUID += ".1"
    later.SOPInstanceUID += ".1"
    later.file_meta.MediaStorageSOPInstanceUID = later.SOPInstanceUID
    later.StudyDescription = "LATER STUDY"
    later.save_as(tmp_path / "later.dcm")
    fill([tmp_path / "later.dcm"])
    assert box.storage.studies.count() == (2, 2)
    await enter(client, link)
    page = await (await client.get(link.path)).text()
    assert "LATER" not in page
    assert names(link) == before


async def test_names_stay_while_images_of_the_study_still_arrive(
    client: Client, link: Link, enter: Enter, fill: Fill, tmp_path: Path, names: Names
) -> None:
    before = names(link)
    await enter(client, link)
    assert "1 image<" in await (await client.get(link.path)).text()
    more = dcmread(CT)
    more.InstanceNumber = 0
    more.SOPInstanceUID += ".2"
    more.file_meta.MediaStorageSOPInstanceUID = more.SOPInstanceUID
    more.save_as(tmp_path / "more.dcm")
    fill([tmp_path / "more.dcm"])
    assert "2 images<" in await (await client.get(link.path)).text()
    assert names(link)[1:] == before


async def test_every_route_of_a_share_wants_a_session(client: Client, link: Link, names: Names) -> None:
    assert client.app is not None
    guarded = {r.resource.canonical: r for r in client.app.router.routes() if r.resource is not None}
    assert len(guarded) > len(OPEN_TO_ALL)
    pages = {pattern for pattern in guarded if "/dicom-web" not in pattern}  # for those see test_viewing
    for pattern in pages - OPEN_TO_ALL:
        path = pattern.format(code=link.code, name=names(link)[0], frame=1)
        async with client.get(path) as answer:
            assert answer.status == 401, pattern
            assert "Please type your PIN" in await answer.text()
        async with client.head(path) as answer:
            assert answer.status in (401, 405), pattern


async def test_the_patient_door_has_only_the_portal(client: Client) -> None:
    assert client.app is not None
    for resource in client.app.router.resources():
        assert isinstance(resource, web.Resource)
        assert resource.canonical in ("/", "/robots.txt", "/static/{digest}/{name}") or resource.canonical.startswith(
            "/s/{code}"
        )
    for path in (
        "/studies",
        "/dicom-web/studies",
        "/static/x/../pages.py",
        "/static/%2e%2e/texts.py",
        "/static/x/viewer.js",
        "/metrics",
    ):
        async with client.get(path) as answer:
            assert answer.status == 404


@pytest.mark.parametrize("tail", ["/i/../images.zip/x", "/i/0/1.jpg", "/i/{0}/0.jpg", "/i/{0}/1.png", "/i/{0}/", "/x"])
async def test_paths_that_name_nothing_are_not_found(
    client: Client, link: Link, enter: Enter, names: Names, tail: str
) -> None:
    await enter(client, link)
    async with client.get(link.path + tail.format(names(link)[0])) as answer:
        assert answer.status == 404


async def test_a_forged_or_foreign_cookie_is_no_session(client: Client, link: Link) -> None:
    import jwt

    claims = {"aud": "share", "sub": str(link.id), "epoch": 0, "jti": "x", "exp": 4102444800}
    for forged in (
        jwt.encode(claims, "0" * 32, "HS256"),
        jwt.encode(claims, "", "none"),
        "x.y.z",
        "",
    ):
        async with client.get(f"{link.path}/images.zip", headers={"Cookie": f"share={forged}"}) as answer:
            assert answer.status == 401
