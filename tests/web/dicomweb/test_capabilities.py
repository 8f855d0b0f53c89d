"""What the door says of itself: by OPTIONS, as a page, to pages of other origins, behind a proxy, and of changes."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
import requests

from appliance.box import Box
from appliance.config import load
from appliance.dicom.model import Instance
from tests.support.clinic import ROOT, filled, named, opened
from tests.support.files import brainix
from tests.support.indexing import stock
from web.dicomweb.routes import ROUTES

JSON_PARTS = 'multipart/related; type="application/dicom+json"'
VIEWER = "https://viewer.example"


@pytest.fixture(scope="session")
def mr(stocked: Box) -> Instance:
    return stocked.storage.studies.instances(named(stocked, "BRAINIX"))[0]


def url(clinic: str, of: Instance, level: str = "instance") -> str:
    series = f"{clinic}/studies/{of.study_instance_uid}/series/{of.series_instance_uid}"
    return series if level == "series" else f"{series}/instances/{of.sop_instance_uid}"


@pytest.mark.parametrize("path", ["", "/", *(path for path, _, _ in ROUTES)])
def test_options_tell_what_can_be_asked_at_each_path(clinic: str, path: str) -> None:
    answer = requests.options(clinic + filled(path, "1.2", "1.3", "1.4"), timeout=20)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/vnd.sun.wadl+xml"
    assert ElementTree.fromstring(answer.content).tag.endswith("application")
    assert "GET" in answer.headers["Allow"]
    assert ("POST" in answer.headers["Allow"]) == (path in ("", "/", "/studies", "/studies/{study}"))


def test_all_of_it_is_told_at_the_root_as_json_too(clinic: str) -> None:
    told = requests.options(clinic, headers={"Accept": "application/json"}, timeout=20).json()["resources"]
    assert {each["path"] for each in told} == {path for path, _, _ in ROUTES}
    assert all(each["takes"] if each["method"] == "POST" else each["answers"] for each in told)
    assert {kind for each in told if each["method"] == "POST" for kind in each["takes"]} >= {
        "application/dicom",
        JSON_PARTS,
    }


@pytest.mark.parametrize("path", ["", "/"])
def test_people_get_a_page_that_names_the_address(clinic: str, path: str) -> None:
    answer = requests.get(clinic + path, timeout=20)
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "pacsbox token create" in answer.text
    assert "/dicom-web/studies/{study}/metadata" in answer.text


@pytest.fixture
def opened_to_viewer(box: Box) -> Iterator[str]:
    environment = {
        "PACSBOX_DATA_DIR": str(box.data_dir),
        "PACSBOX_WEB_PUBLIC_PORT": "0",
        "PACSBOX_WEB_CLINIC_PORT": "0",
        "PACSBOX_WEB_ALLOWED_ORIGINS": VIEWER,
    }
    stock(box, brainix()[0])
    with opened(Box(load(environment=environment)[0])) as doors:
        yield doors.clinic + ROOT


def test_a_page_of_an_origin_that_staff_allow_may_read_with_a_token(opened_to_viewer: str, box: Box) -> None:
    text = box.tokens.create("viewer", ["query"]).text
    ask = {"Origin": VIEWER, "Sec-Fetch-Site": "cross-site"}
    preflight = requests.options(
        f"{opened_to_viewer}/studies", headers=ask | {"Access-Control-Request-Method": "GET"}, timeout=20
    )
    assert preflight.headers["Access-Control-Allow-Origin"] == VIEWER
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
    refused = requests.get(f"{opened_to_viewer}/studies", headers=ask, timeout=20)
    assert refused.status_code == 401
    answer = requests.get(f"{opened_to_viewer}/studies", headers=ask | {"Authorization": f"Bearer {text}"}, timeout=20)
    assert len(answer.json()) == 1
    assert answer.headers["Access-Control-Allow-Origin"] == VIEWER


def test_no_other_page_may(opened_to_viewer: str, clinic: str) -> None:
    for root, origin in ((opened_to_viewer, "https://other.example"), (clinic, VIEWER), (clinic, "null")):
        answer = requests.options(f"{root}/studies", headers={"Origin": origin}, timeout=20)
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_addresses_follow_the_prefix_of_a_trusted_proxy(clinic: str, stocked: Box, mr: Instance) -> None:
    token = {"Authorization": f"Bearer {stocked.tokens.create('proxied', ['query', 'retrieve']).text}"}
    for said, root in (("/pacs", "/pacs/dicom-web"), ("/a b", "/dicom-web"), ("//evil.example", "/dicom-web")):
        headers = token | {"X-Forwarded-Prefix": said}
        (study,) = requests.get(
            f"{clinic}/studies?StudyInstanceUID={mr.study_instance_uid}", headers=headers, timeout=20
        ).json()
        assert study["00081190"]["Value"] == [f"{root}/studies/{mr.study_instance_uid}"]
        (metadata,) = requests.get(f"{url(clinic, mr)}/metadata", headers=headers, timeout=20).json()
        assert metadata["7FE00010"]["BulkDataURI"].startswith(f"{root}/studies/")


@pytest.mark.parametrize(
    "tail", ["", "/metadata", "/rendered", "/thumbnail", "/rendered?viewport=64,64", "/frames/1", "/frames/1/rendered"]
)
def test_what_has_not_changed_is_not_sent_again(clinic: str, mr: Instance, tail: str) -> None:
    headers = {} if tail else {"Accept": "application/dicom"}
    first = requests.get(url(clinic, mr) + tail, headers=headers, timeout=20)
    assert first.status_code == 200
    again = requests.get(url(clinic, mr) + tail, headers=headers | {"If-None-Match": first.headers["ETag"]}, timeout=20)
    assert again.status_code == 304
    assert again.content == b""


@pytest.mark.parametrize("tail", ["", "/metadata", "/rendered", "/thumbnail", "/frames/1", "/bulkdata/7FE00010"])
def test_no_cache_in_between_keeps_what_programs_may_keep(clinic: str, mr: Instance, tail: str) -> None:
    answer = requests.get(url(clinic, mr) + tail, timeout=20)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_study_that_grew_and_another_form_are_something_else(box: Box) -> None:
    first, second = brainix()[:2]
    stock(box, first)
    with opened(box) as doors:
        target = f"{doors.clinic}{ROOT}/studies/{next(box.storage.studies.study_uids())}/metadata"
        one = requests.get(target, timeout=20).headers["ETag"]
        xml = {"Accept": 'multipart/related; type="application/dicom+xml"'}
        assert requests.get(target, headers=xml, timeout=20).headers["ETag"] != one
        stock(box, second)
        grown = requests.get(target, headers={"If-None-Match": one}, timeout=20)
        assert grown.status_code == 200
        assert len(grown.json()) == 2
