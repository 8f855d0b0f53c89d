"""A share's DICOMweb, at the real door: after the PIN, its one study, and nothing of any other by any route."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from aiohttp.test_utils import TestClient

from appliance.box import Box
from appliance.dicom.model import Instance
from tests.support.clinic import filled
from tests.support.files import brainix, knee
from tests.support.indexing import stock
from tests.web.portal.conftest import Link, Shared
from web.dicomweb.routes import ROUTES

Client = TestClient[Any, Any]
GONE = 410


@pytest.fixture
def studies(box: Box) -> dict[str, Instance]:
    """An instance of each of two studies."""
    stock(box, *brainix()[:3], *knee()[:3])
    found = box.storage.studies
    return {each.patient_name: found.instances(each.study_instance_uid)[0] for each in found.search("", 10)}


@pytest.fixture
async def mine(client: Client, shared: Shared, studies: dict[str, Instance]) -> Link:
    """A share of BRAINIX that the phone has opened."""
    link = shared(studies["BRAINIX"].study_instance_uid)
    answer = await client.post(link.path, data={"pin": link.pin}, allow_redirects=False)
    assert answer.status == 303
    return link


def uids(of: Instance) -> tuple[str, str, str]:
    return of.study_instance_uid, of.series_instance_uid, of.sop_instance_uid


async def test_everything_of_the_study_is_there(client: Client, mine: Link, studies: dict[str, Instance]) -> None:
    for path, _, _ in ROUTES:
        answer = await client.get(f"{mine.path}/dicom-web{filled(path, *uids(studies['BRAINIX']))}")
        assert answer.status == 200, path
        assert answer.headers["Cache-Control"] == "no-store"
        await answer.read()


async def test_no_route_leads_to_another_study(client: Client, mine: Link, studies: dict[str, Instance]) -> None:
    root, ours, theirs = f"{mine.path}/dicom-web", uids(studies["BRAINIX"]), uids(studies["KNEE"])
    # Each UID of a path may be ours or theirs.
    mixes = [
        theirs,
        (ours[0], *theirs[1:]),
        (theirs[0], *ours[1:]),
        (*ours[:2], theirs[2]),
        (ours[0], theirs[1], ours[2]),
    ]
    for path, _, _ in ROUTES:
        for mix in mixes:
            target = filled(path, *mix)
            if target == filled(path, *ours):
                continue
            answer = await client.get(root + target)
            body = await answer.read()
            assert answer.status == 404 or body == b"[]", target
            assert b"KNEE" not in body
            assert not any(uid.encode() in body for uid in theirs)


@pytest.mark.parametrize("level", ["studies", "series", "instances"])
@pytest.mark.parametrize(
    "query",
    [
        "",
        "PatientName=KNEE",
        "PatientName=*",
        "PatientID=*",
        "StudyInstanceUID={theirs}",
        "StudyInstanceUID={theirs}\\{ours}",
        "SeriesInstanceUID={series}",
        "SOPInstanceUID={instance}",
        "includefield=all&limit=100",
        "fuzzymatching=true&PatientName=knee",
    ],
)
async def test_no_search_tells_of_another_study(
    client: Client, mine: Link, studies: dict[str, Instance], level: str, query: str
) -> None:
    study, series, instance = uids(studies["KNEE"])
    known = {"theirs": study, "series": series, "instance": instance, "ours": studies["BRAINIX"].study_instance_uid}
    answer = await client.get(f"{mine.path}/dicom-web/{level}?{query.format(**known)}")
    body = await answer.text()
    assert answer.status == 200
    assert {found["0020000D"]["Value"][0] for found in orjson.loads(body)} <= {known["ours"]}
    assert "KNEE" not in body
    assert study not in body
    assert "Warning" not in answer.headers


async def test_without_the_pin_no_route_answers(client: Client, shared: Shared, studies: dict[str, Instance]) -> None:
    link = shared(studies["BRAINIX"].study_instance_uid)
    for path, _, _ in ROUTES:
        answer = await client.get(f"{link.path}/dicom-web{filled(path, *uids(studies['BRAINIX']))}")
        assert answer.status == 401
        assert answer.content_type == "text/plain"


async def test_one_shares_session_does_not_open_another_share(
    client: Client, mine: Link, shared: Shared, studies: dict[str, Instance]
) -> None:
    other = shared(studies["KNEE"].study_instance_uid)
    cookie = {"share": next(one.value for one in client.session.cookie_jar if one.key == "share")}
    answer = await client.get(f"{other.path}/dicom-web/studies", cookies=cookie)
    assert answer.status == 401


async def test_it_takes_nothing_in(client: Client, mine: Link) -> None:
    for path in ("/studies", "/studies/1.2"):
        answer = await client.post(f"{mine.path}/dicom-web{path}", data=b"x")
        assert answer.status == 405


async def test_revoking_ends_it_at_once(client: Client, mine: Link, box: Box) -> None:
    assert (await client.get(f"{mine.path}/dicom-web/studies")).status == 200
    box.sharing.revoke(mine.id)
    answer = await client.get(f"{mine.path}/dicom-web/studies")
    assert answer.status == GONE


async def test_the_shares_log_tells_of_the_viewer_once_a_visit(client: Client, mine: Link, box: Box) -> None:
    for _ in range(3):
        await client.get(f"{mine.path}/dicom-web/studies")
    assert [line.what for line in box.sharing.openings(mine.id)] == ["viewer", "opened"]


async def test_the_clinic_doors_dicomweb_is_not_on_the_patient_door(client: Client, mine: Link) -> None:
    assert (await client.get("/dicom-web/studies")).status == 404
