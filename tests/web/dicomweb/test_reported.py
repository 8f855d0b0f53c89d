"""Structured reports over DICOMweb, as text (PS3.18 8.7.4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient

from appliance.box import Box
from appliance.dicom.model import Instance
from tests.support.clinic import ROOT, opened
from tests.support.files import PYDICOM
from tests.support.indexing import stock
from tests.support.reports import about, item

CT = PYDICOM / "test_files" / "CT_small.dcm"
FINDING = "Nothing was found: <b>großartig</b>"
KEY_OBJECTS = "1.2.840.10008.5.1.4.1.1.88.59"
JPEG = b"\xff\xd8\xff"


@dataclass(frozen=True)
class Reported:
    """A door of DICOMweb behind which a picture has two reports."""

    root: str
    picture: Instance
    first: Instance

    def url(self, of: Instance, rest: str = "/rendered") -> str:
        series = f"/studies/{of.study_instance_uid}/series/{of.series_instance_uid}"
        return f"{self.root}{series}/instances/{of.sop_instance_uid}{rest}"

    @property
    def study(self) -> str:
        return f"{self.root}/studies/{self.picture.study_instance_uid}/rendered"


@pytest.fixture
def reported(box: Box, tmp_path: Path) -> Iterator[Reported]:
    finding = item("TEXT", "Finding", TextValue=FINDING)
    paths = [about(CT, tmp_path / f"{number}.dcm", finding, uid=f"1.2.7.{number}") for number in (1, 2)]
    stock(box, CT, *paths)
    study = box.storage.studies.search("", 1)[0].study_instance_uid
    by_class = {one.sop_instance_uid: one for one in box.storage.studies.instances(study, "")}
    first = by_class.pop("1.2.7.1")
    del by_class["1.2.7.2"]
    with opened(box) as doors:
        yield Reported(doors.clinic + ROOT, next(iter(by_class.values())), first)


def get(url: str, accept: str) -> requests.Response:
    return requests.get(url, headers={"Accept": accept}, timeout=30)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "text/html"),
        ("text/html,application/xhtml+xml,image/webp,*/*;q=0.8", "text/html"),
        ("text/*", "text/html"),
        ("text/plain", "text/plain"),
        ("text/html;q=0.1, text/xml", "text/xml"),
    ],
)
def test_a_report_comes_as_the_text_that_is_asked_for(reported: Reported, accept: str, kind: str) -> None:
    answer = get(reported.url(reported.first), accept)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, f"{kind}; charset=utf-8")
    assert "großartig" in answer.content.decode()
    if kind == "text/plain":
        assert f"Finding: {FINDING}" in answer.content.decode().splitlines()
    else:
        assert FINDING in "".join(ET.fromstring(answer.content).itertext())
        assert "<b>" not in answer.text


def test_a_page_runs_nothing_and_asks_nobody_else(reported: Reported) -> None:
    policy = get(reported.url(reported.first), "text/html").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; img-src 'self'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "script" not in policy


def test_a_picture_that_it_speaks_of_is_linked_and_is_there(reported: Reported) -> None:
    page = get(reported.url(reported.first), "text/html").text
    host = reported.root.removesuffix(ROOT)
    for rest in ("/rendered", "/thumbnail"):
        path = reported.url(reported.picture, rest).removeprefix(host)
        assert f'"{path}"' in page
        assert requests.get(host + path, timeout=30).content.startswith(JPEG)


def test_what_is_no_text_is_refused_with_what_there_is(reported: Reported) -> None:
    answer = get(reported.url(reported.first), "image/jpeg")
    assert answer.status_code == 406
    assert "text/html, text/plain, text/xml" in answer.text


@pytest.mark.parametrize("rest", ["/thumbnail", "/frames/1/rendered"])
def test_a_report_is_no_picture(reported: Reported, rest: str) -> None:
    assert get(reported.url(reported.first, rest), "*/*").status_code == 404


def test_the_reports_of_a_study_come_in_parts_to_who_asks_for_text(reported: Reported) -> None:
    answer = get(reported.study, 'multipart/related; type="text/plain"')
    assert answer.headers["Content-Type"].startswith('multipart/related; type="text/plain"')
    parts, where = answer.content, reported.url(reported.first).removeprefix(reported.root.removesuffix(ROOT))
    assert parts.count(f"Finding: {FINDING}".encode()) == 2
    assert parts.count(b"Content-Type: text/plain; charset=utf-8") == 2
    assert f"Content-Location: {where}".encode() in parts


def test_a_study_with_pictures_shows_them_to_who_takes_anything(reported: Reported) -> None:
    assert get(reported.study, "*/*").headers["Content-Type"].startswith('multipart/related; type="image/jpeg"')
    assert get(reported.study, "image/png").headers["Content-Type"] == "image/png"


def test_a_series_that_is_one_report_is_that_report(reported: Reported) -> None:
    series = f"{reported.study.removesuffix('/rendered')}/series/{reported.first.series_instance_uid}/rendered"
    assert get(series, "text/html").text == get(reported.url(reported.first), "text/html").text
    assert get(series, "*/*").headers["Content-Type"].startswith('multipart/related; type="text/html"')


def test_a_report_beside_what_has_no_picture_is_read_all_the_same(box: Box, tmp_path: Path) -> None:
    selection = pydicom.dcmread(about(CT, tmp_path / "selection.dcm", uid="1.2.8"))
    selection.SOPClassUID = selection.file_meta.MediaStorageSOPClassUID = KEY_OBJECTS
    selection.save_as(tmp_path / "selection.dcm")
    stock(box, tmp_path / "selection.dcm", about(CT, tmp_path / "report.dcm"))
    study = next(box.storage.studies.study_uids())
    with opened(box) as doors:
        answer = get(f"{doors.clinic}{ROOT}/studies/{study}/rendered", "*/*")
    assert answer.content.count(b"Content-Type: text/html") == 1


def test_it_is_the_same_for_older_clients(reported: Reported) -> None:
    query = {"requestType": "WADO", "studyUID": reported.first.study_instance_uid}
    query |= {"seriesUID": reported.first.series_instance_uid, "objectUID": reported.first.sop_instance_uid}
    for more, kind in (({}, "text/html"), ({"contentType": "text/plain"}, "text/plain")):
        answer = requests.get(f"{reported.root}/wado", params=query | more, timeout=30)
        assert answer.headers["Content-Type"] == f"{kind}; charset=utf-8"


def test_who_has_it_already_is_told_so_until_more_of_what_it_speaks_of_is_there(reported: Reported) -> None:
    url = reported.url(reported.first)
    known = get(url, "text/html").headers["ETag"]
    for accept, status in (("text/html", 304), ("text/plain", 200)):
        answer = requests.get(url, headers={"Accept": accept, "If-None-Match": known}, timeout=30)
        assert answer.status_code == status


def test_the_client_library_takes_it_as_html(reported: Reported) -> None:
    of = reported.first
    uids = (of.study_instance_uid, of.series_instance_uid, of.sop_instance_uid)
    found = DICOMwebClient(reported.root).retrieve_instance_rendered(*uids, media_types=("text/html",))
    assert b"Nothing was found" in found
