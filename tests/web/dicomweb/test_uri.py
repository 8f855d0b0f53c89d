"""WADO-URI, as older clients ask."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image, ImageCms
from pydicom import dcmread

from appliance.box import Box
from appliance.dicom.model import Instance
from tests.support.clinic import ROOT, named, opened
from tests.support.indexing import stock
from tests.support.pictures import picture


@pytest.fixture(scope="session")
def mr(stocked: Box) -> Instance:
    return stocked.storage.studies.instances(named(stocked, "BRAINIX"))[0]


def asked(clinic: str, of: Instance, **more: str) -> requests.Response:
    query = {
        "requestType": "WADO",
        "studyUID": of.study_instance_uid,
        "seriesUID": of.series_instance_uid,
        "objectUID": of.sop_instance_uid,
    }
    return requests.get(f"{clinic}/wado", params=query | more, timeout=30)


def test_a_picture_is_the_default(clinic: str, mr: Instance) -> None:
    answer = asked(clinic, mr)
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert Image.open(BytesIO(answer.content)).size == (int(mr.columns), int(mr.rows))


@pytest.mark.parametrize("kind", ["image/png", "image/webp"])
def test_other_formats_come_where_asked(clinic: str, mr: Instance, kind: str) -> None:
    answer = asked(clinic, mr, contentType=kind)
    assert answer.headers["Content-Type"] == kind


def test_size_region_and_window_are_heeded(clinic: str, mr: Instance) -> None:
    small = Image.open(BytesIO(asked(clinic, mr, rows="64", columns="64").content))
    assert max(small.size) == 64
    part = Image.open(BytesIO(asked(clinic, mr, region="0,0,0.5,0.25").content))
    assert part.size == (int(mr.columns) // 2, int(mr.rows) // 4)
    dark = Image.open(BytesIO(asked(clinic, mr, windowCenter="5000", windowWidth="10").content))
    assert dark.convert("L").getextrema() == (0, 0)


def test_annotation_is_written_into_the_picture(clinic: str, mr: Instance) -> None:
    plain = np.asarray(Image.open(BytesIO(asked(clinic, mr, contentType="image/png").content))).astype(int)
    answer = asked(clinic, mr, contentType="image/png", annotation="patient")
    noted = np.asarray(Image.open(BytesIO(answer.content))).astype(int)
    assert (noted != plain)[:40, :120].any()
    assert np.array_equal(noted[64:], plain[64:])


def test_the_profile_of_the_colours_goes_along_where_asked(box: Box, tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    uids = {"StudyInstanceUID": "1.2.998", "SeriesInstanceUID": "1.2.998.1", "SOPInstanceUID": "1.2.998.1.1"}
    stock(box, picture(tmp_path / "wound", np.zeros((8, 8, 3), np.uint8), ICCProfile=profile, **uids))
    (wound,) = box.storage.studies.instances("1.2.998")
    with opened(box) as doors:
        plain, profiled = (asked(doors.clinic + ROOT, wound, iccprofile=word) for word in ("no", "yes"))
    assert "icc_profile" not in Image.open(BytesIO(plain.content)).info
    assert Image.open(BytesIO(profiled.content)).info["icc_profile"] == profile


def test_the_file_comes_where_asked_in_the_syntax_asked(clinic: str, mr: Instance, stocked: Box) -> None:
    stored = stocked.blobs.path(mr.blob_key).read_bytes()
    plain = asked(clinic, mr, contentType="application/dicom")
    assert dcmread(BytesIO(plain.content)).file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert asked(clinic, mr, contentType="application/dicom", transferSyntax=mr.transfer_syntax_uid).content == stored


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"requestType": "x"}, 400),
        ({"objectUID": "a"}, 400),
        ({"studyUID": ""}, 400),
        ({"objectUID": "1.2.3"}, 404),
        ({"seriesUID": "1.2.3"}, 404),
        ({"frameNumber": "9"}, 404),
        ({"frameNumber": "x"}, 400),
        ({"region": "0,0,2,1"}, 400),
        ({"windowCenter": "1"}, 400),
        ({"rows": "-4"}, 400),
        ({"anonymize": "yes"}, 400),
        ({"annotation": "weather"}, 400),
        ({"iccprofile": "maybe"}, 400),
        ({"contentType": "text/plain"}, 406),
    ],
)
def test_what_cannot_be_is_said_in_one_line(clinic: str, mr: Instance, more: dict[str, str], status: int) -> None:
    answer = asked(clinic, mr, **more)
    assert answer.status_code == status
    assert answer.text.count("\n") == 1


def test_a_document_comes_as_it_is(clinic: str, stocked: Box) -> None:
    for uid in stocked.storage.studies.study_uids():
        for each in stocked.storage.studies.instances(uid):
            if each.sop_class_uid == "1.2.840.10008.5.1.4.1.1.104.1":
                assert asked(clinic, each).content.startswith(b"%PDF")
                return
    pytest.fail("there is no PDF")
