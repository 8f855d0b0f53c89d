"""What programs may keep of DICOMweb's answers, and how they ask whether that still holds (RFC 9110 13)."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime

import pydicom
import pytest
import requests

from appliance.box import Box
from appliance.dicom.model import Instance
from tests.support.clinic import ROOT, named, opened
from tests.support.files import brainix, shared
from tests.support.indexing import stock

TAILS = ("", "/metadata", "/frames/1", "/bulkdata/7FE00010")
DRAWN = ("/rendered", "/thumbnail", "/frames/1/rendered")
FILE = {"Accept": "application/dicom"}


@pytest.fixture(scope="session")
def mr(stocked: Box) -> Instance:
    return stocked.storage.studies.instances(named(stocked, "BRAINIX"))[0]


def url(clinic: str, of: Instance) -> str:
    return f"{clinic}/studies/{of.study_instance_uid}/series/{of.series_instance_uid}/instances/{of.sop_instance_uid}"


@pytest.mark.parametrize("tail", TAILS)
def test_since_it_came_an_instance_has_not_changed(clinic: str, mr: Instance, tail: str) -> None:
    target, accept = url(clinic, mr) + tail, FILE if not tail else {}
    first = requests.get(target, headers=accept, timeout=20)
    told = first.headers["Last-Modified"]
    date = parsedate_to_datetime(told)
    before = format_datetime(date - timedelta(seconds=1), usegmt=True)
    for since, status in ((told, 304), (before, 200), ("yesterday", 200)):
        for ask in (requests.get, requests.head):
            answer = ask(target, headers=accept | {"If-Modified-Since": since}, timeout=20)
            assert answer.status_code == status, (since, ask)
            assert answer.headers["ETag"] == first.headers["ETag"]
            assert (answer.headers["Last-Modified"], answer.headers["Vary"]) == (told, first.headers["Vary"])
    other = {"If-Modified-Since": told, "If-None-Match": '"other"'}
    assert requests.get(target, headers=accept | other, timeout=20).status_code == 200
    same = {"If-Modified-Since": before, "If-None-Match": first.headers["ETag"]}
    assert requests.head(target, headers=accept | same, timeout=20).status_code == 304


@pytest.mark.parametrize("tail", DRAWN)
def test_a_picture_has_a_tag_and_no_date_for_another_release_may_draw_it_otherwise(
    clinic: str, mr: Instance, tail: str
) -> None:
    first = requests.get(url(clinic, mr) + tail, timeout=20)
    assert "Last-Modified" not in first.headers
    known = {"If-None-Match": first.headers["ETag"]}
    assert requests.get(url(clinic, mr) + tail, headers=known, timeout=20).status_code == 304


def test_an_image_that_came_earlier_but_is_indexed_later_is_a_change(box: Box) -> None:
    """So a study, its metadata and its thumbnail tell no date."""
    stock(box, *brainix()[:2])
    with opened(box) as doors:
        study = f"{doors.clinic}{ROOT}/studies/{named(box, 'BRAINIX')}"
        for tail in ("/metadata", "/thumbnail"):
            answer = requests.get(study + tail, timeout=20)
            assert answer.headers["ETag"]
            assert "Last-Modified" not in answer.headers
        tag = requests.get(f"{study}/metadata", timeout=20).headers["ETag"]
        stock(box, brainix()[2])
        later = {"If-Modified-Since": "Mon, 06 Nov 2094 08:49:37 GMT"}
        assert len(requests.get(f"{study}/metadata", headers=later, timeout=20).json()) == 3
        assert requests.get(f"{study}/metadata", headers={"If-None-Match": tag}, timeout=20).status_code == 200


def test_what_is_in_parts_has_a_weak_tag(clinic: str, mr: Instance) -> None:
    for tail, kind in (
        ("/metadata", "dicom+xml"),
        ("/frames/1", "octet-stream"),
        ("/bulkdata/7FE00010", "octet-stream"),
    ):
        accept = {"Accept": f'multipart/related; type="application/{kind}"'}
        answer = requests.get(url(clinic, mr) + tail, headers=accept, timeout=20)
        assert answer.headers["ETag"].startswith('W/"')
        known = accept | {"If-None-Match": answer.headers["ETag"]}
        assert requests.get(url(clinic, mr) + tail, headers=known, timeout=20).status_code == 304


def test_below_another_path_the_metadata_are_others(clinic: str, stocked: Box, mr: Instance) -> None:
    headers = {"Authorization": f"Bearer {stocked.tokens.create('kept', ['retrieve']).text}"}
    tags = set()
    for prefix in ("/a", "/b"):
        told = headers | {"X-Forwarded-Prefix": prefix}
        tags.add(requests.get(f"{url(clinic, mr)}/metadata", headers=told, timeout=20).headers["ETag"])
    assert len(tags) == 2


def test_a_part_comes_only_of_what_the_client_has_begun_with(clinic: str, stocked: Box, mr: Instance) -> None:
    pdf = pydicom.dcmread(shared("odd", "sample-pdf.dcm"))
    (document,) = stocked.storage.studies.instances(str(pdf.StudyInstanceUID))
    for target in (f"{url(clinic, mr)}/bulkdata/7FE00010", f"{url(clinic, document)}/rendered"):
        whole = requests.get(target, timeout=20)
        for said, status in (
            (whole.headers["ETag"], 206),
            (whole.headers["Last-Modified"], 206),
            ('"other"', 200),
            (f"W/{whole.headers['ETag']}", 200),
            ("Mon, 06 Nov 2094 08:49:37 GMT", 200),
            ("nonsense", 200),
        ):
            answer = requests.get(target, headers={"Range": "bytes=10-19", "If-Range": said}, timeout=20)
            assert answer.status_code == status, said
            assert answer.content == (whole.content[10:20] if status == 206 else whole.content)
        head = requests.head(target, headers={"Range": "bytes=10-19"}, timeout=20)
        assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(whole.content)))
        beyond = {"Range": f"bytes={len(whole.content)}-", "If-Range": '"other"'}
        assert requests.get(target, headers=beyond, timeout=20).status_code == 200
