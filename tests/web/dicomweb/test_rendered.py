"""Pictures and thumbnails, documents and films (PS3.18 10.4.1.1.3, .7)."""

from __future__ import annotations

from base64 import b64decode
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from PIL import Image, ImageCms
from pydicom.dataset import Dataset

from appliance.box import Box
from appliance.dicom.animated import spread
from appliance.dicom.drawn import DRAWN
from tests.support.clinic import ROOT, named, opened
from tests.support.files import PYDICOM, brainix, knee, shared
from tests.support.indexing import stock
from tests.support.overlays import plane
from tests.support.pictures import picture
from web.dicomweb.picture import Picture


def sample(name: str) -> Dataset:
    return pydicom.dcmread(next(PYDICOM.rglob(name)), stop_before_pixels=True)


def url(clinic: str, dataset: Dataset, level: int = 3) -> str:
    uids = (dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)
    names = [word for pair in zip(("studies", "series", "instances"), uids, strict=True) for word in pair]
    return "/".join((clinic, *names[: 2 * level]))


def image(content: bytes) -> Image.Image:
    picture = Image.open(BytesIO(content))
    picture.load()
    return picture


def parts(answer: requests.Response) -> list[bytes]:
    boundary = b"--" + answer.headers["Content-Type"].rpartition("boundary=")[2].encode()
    pieces = (b"\r\n" + answer.content).split(b"\r\n" + boundary)[1:-1]
    return [piece.partition(b"\r\n\r\n")[2] for piece in pieces]


@pytest.fixture(scope="module")
def brain() -> Dataset:
    return pydicom.dcmread(brainix()[0])


@pytest.mark.parametrize(
    ("accept", "kind"),
    [("*/*", "JPEG"), ("image/jpeg", "JPEG"), ("image/png", "PNG"), ("image/webp", "WEBP"), ("image/*", "JPEG")],
)
def test_an_instance_is_rendered_in_the_format_asked_for(clinic: str, brain: Dataset, accept: str, kind: str) -> None:
    answer = requests.get(f"{url(clinic, brain)}/rendered", headers={"Accept": accept}, timeout=20)
    assert answer.headers["Content-Type"] == f"image/{kind.lower()}"
    picture = image(answer.content)
    assert (picture.format, picture.size) == (kind, (brain.Columns, brain.Rows))
    assert np.asarray(picture).std() > 5


def test_the_client_gets_pictures_and_frames(client: DICOMwebClient, brain: Dataset) -> None:
    uids = (brain.StudyInstanceUID, brain.SeriesInstanceUID, brain.SOPInstanceUID)
    assert image(client.retrieve_instance_rendered(*uids, media_types=("image/png",))).format == "PNG"
    frame = client.retrieve_instance_frames_rendered(*uids, frame_numbers=[1], media_types=("image/jpeg",))
    assert image(frame).size == (brain.Columns, brain.Rows)


def test_a_viewport_bounds_the_size_and_shows_a_part(clinic: str, brain: Dataset) -> None:
    whole = np.asarray(image(requests.get(f"{url(clinic, brain)}/rendered?accept=image/png", timeout=20).content))

    def shown(viewport: str) -> Image.Image:
        asked = {"viewport": viewport, "accept": "image/png"}
        return image(requests.get(f"{url(clinic, brain)}/rendered", asked, timeout=20).content)

    assert shown("64,1000").size == (64, 64)
    assert shown("1000,1000").size == (256, 256)
    part = np.asarray(shown("1000,1000,10,20,100,50"))
    assert np.array_equal(part, whole[20:70, 10:110])
    assert np.array_equal(np.asarray(shown("1000,1000,0,0,-256,-256")), whole[::-1, ::-1])
    beside = requests.get(f"{url(clinic, brain)}/rendered?viewport=9,9,999,0,5,5", timeout=20)
    assert beside.status_code in (400, 404)


def test_a_window_changes_the_greys_and_a_bad_one_is_refused(clinic: str, brain: Dataset) -> None:
    base = f"{url(clinic, brain)}/rendered?accept=image/png"
    dark = np.asarray(image(requests.get(f"{base}&window=5000,100,linear", timeout=20).content))
    light = np.asarray(image(requests.get(f"{base}&window=-500,100,linear", timeout=20).content))
    assert dark.max() == 0
    assert light.min() == 255
    for wrong in ("window=5000", "quality=0", "viewport=x"):
        answer = requests.get(f"{base}&{wrong}", timeout=20)
        assert answer.status_code == 400
        assert answer.text.count("\n") == 1


def test_a_series_is_rendered_in_parts(clinic: str) -> None:
    series = url(clinic, pydicom.dcmread(knee()[0], stop_before_pixels=True), 2)
    for accept in ("*/*", 'multipart/related; type="image/jpeg"'):
        answer = requests.get(f"{series}/rendered?viewport=64,64", headers={"Accept": accept}, timeout=60)
        pictures = [image(part) for part in parts(answer)]
        assert len(pictures) == 4
        assert {picture.size for picture in pictures} == {(64, 64)}
    assert requests.get(f"{series}/rendered", headers={"Accept": "image/tiff"}, timeout=20).status_code == 406


def test_many_frames_come_in_parts_and_one_stands_for_all(clinic: str) -> None:
    dose = sample("rtdose.dcm")
    several = requests.get(f"{url(clinic, dose)}/frames/3,1/rendered", timeout=20)
    assert [image(part).size for part in parts(several)] == [(10, 10)] * 2
    everything = requests.get(
        f"{url(clinic, dose)}/rendered", headers={"Accept": "multipart/related; type=image/png"}, timeout=60
    )
    assert len(parts(everything)) == 15
    one = requests.get(f"{url(clinic, dose)}/rendered", headers={"Accept": "image/jpeg"}, timeout=20)
    assert image(one.content).size == (10, 10)
    assert requests.get(f"{url(clinic, dose)}/frames/16/rendered", timeout=20).status_code == 404
    assert requests.get(f"{url(clinic, dose)}/frames/0/rendered", timeout=20).status_code == 400


@pytest.mark.parametrize("level", [1, 2, 3])
def test_there_is_a_thumbnail_at_every_level(clinic: str, brain: Dataset, level: int) -> None:
    answer = requests.get(f"{url(clinic, brain, level)}/thumbnail", headers={"Accept": "image/jpeg"}, timeout=20)
    assert image(answer.content).size == (256, 256)
    asked = {"viewport": "100,100"}
    assert image(requests.get(f"{url(clinic, brain, level)}/thumbnail", asked, timeout=20).content).size == (100, 100)


@pytest.mark.parametrize("kind", ["image/jpeg", "image/png", "image/webp", "image/gif"])
@pytest.mark.parametrize("level", [1, 3])
def test_a_thumbnail_comes_as_what_it_is_asked_for(clinic: str, brain: Dataset, level: int, kind: str) -> None:
    answer = requests.get(f"{url(clinic, brain, level)}/thumbnail", headers={"Accept": kind}, timeout=20)
    assert answer.headers["Content-Type"] == kind
    picture = image(answer.content)
    assert (Image.MIME[picture.format or ""], picture.size, getattr(picture, "n_frames", 1)) == (kind, (256, 256), 1)


def test_a_thumbnail_in_colours_may_be_a_gif(clinic: str) -> None:
    answer = requests.get(
        f"{url(clinic, sample('examples_palette.dcm'))}/thumbnail", headers={"Accept": "image/gif"}, timeout=20
    )
    red, _, blue = image(answer.content).convert("RGB").split()
    assert red.tobytes() != blue.tobytes()


def test_a_document_is_rendered_as_itself_whatever_is_said_to_be_taken(clinic: str) -> None:
    report = pydicom.dcmread(shared("odd", "sample-pdf.dcm"))
    for accept in ("text/html,application/xhtml+xml,*/*;q=0.8", "application/pdf", "image/jpeg"):
        answer = requests.get(f"{url(clinic, report)}/rendered", headers={"Accept": accept}, timeout=20)
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.content.startswith(b"%PDF")
    part = requests.get(f"{url(clinic, report)}/rendered", headers={"Range": "bytes=0-3"}, timeout=20)
    assert (part.status_code, part.content) == (206, b"%PDF")
    assert requests.get(f"{url(clinic, report)}/thumbnail", timeout=20).status_code == 404


def test_what_has_no_picture_is_not_found(clinic: str) -> None:
    plan = sample("rtplan.dcm")
    for path in ("rendered", "thumbnail", "frames/1/rendered"):
        assert requests.get(f"{url(clinic, plan)}/{path}", timeout=20).status_code == 404
    assert requests.get(f"{url(clinic, plan, 2)}/rendered", timeout=20).status_code == 404


def test_what_a_picture_cannot_be_is_refused(clinic: str, brain: Dataset) -> None:
    for path in ("rendered", "thumbnail"):
        answer = requests.get(f"{url(clinic, brain)}/{path}", headers={"Accept": "text/plain"}, timeout=20)
        assert answer.status_code == 406
        assert "image/jpeg" in answer.text


@pytest.mark.parametrize(("level", "least"), [(2, 3), (1, 3)])
def test_a_series_or_study_moves_where_a_gif_is_asked_for(clinic: str, stocked: Box, level: int, least: int) -> None:
    uid = named(stocked, "BRAINIX")
    instance = stocked.storage.studies.instances(uid)[0]
    path = f"{clinic}/studies/{uid}" + (f"/series/{instance.series_instance_uid}" if level == 2 else "")
    answer = requests.get(f"{path}/rendered?viewport=64,64", headers={"Accept": "image/gif"}, timeout=60)
    assert answer.headers["Content-Type"] == "image/gif"
    picture = Image.open(BytesIO(answer.content))
    assert picture.n_frames >= least
    assert max(picture.size) == 64
    assert len({picture.seek(n) or picture.convert("L").tobytes() for n in range(3)}) == 3


def test_many_frames_move_at_their_own_pace(clinic: str, stocked: Box) -> None:
    for uid in stocked.storage.studies.study_uids():
        for each in stocked.storage.studies.instances(uid):
            if each.frames > 1:
                path = f"/studies/{uid}/series/{each.series_instance_uid}/instances/{each.sop_instance_uid}/rendered"
                answer = requests.get(clinic + path, headers={"Accept": "image/gif"}, timeout=60)
                picture = Image.open(BytesIO(answer.content))
                assert picture.info["duration"] >= 20
                return
    pytest.fail("nothing has several frames")


def test_who_takes_one_picture_of_a_series_gets_one(clinic: str, stocked: Box) -> None:
    path = f"{clinic}/studies/{named(stocked, 'BRAINIX')}/rendered"
    answer = requests.get(path, headers={"Accept": "image/png"}, timeout=60)
    assert Image.open(BytesIO(answer.content)).format == "PNG"


def test_a_long_film_is_thinned_evenly() -> None:
    assert spread(3) == [0, 1, 2]
    assert spread(10, 4) == [0, 2, 5, 7]


@pytest.mark.parametrize("level", [2, 3])
def test_a_thumbnail_made_before_is_sent_as_it_is(clinic: str, stocked: Box, level: int) -> None:
    first = pydicom.dcmread(knee()[0], stop_before_pixels=True)
    uids = (first.StudyInstanceUID, first.SeriesInstanceUID)
    known = stocked.storage.studies.instances(*uids)
    chosen = next(each for each in known if each.sop_instance_uid == first.SOPInstanceUID)
    target = f"{url(clinic, first, level)}/thumbnail"
    place = stocked.previews.place(chosen.study_instance_uid, chosen.digest)
    before = requests.get(target, timeout=20)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"\xff\xd8 a picture of its own \xff\xd9")
    try:
        ready = requests.get(target, headers={"Accept": "image/*"}, timeout=20)
        assert (ready.content, ready.headers["Content-Type"]) == (place.read_bytes(), "image/jpeg")
        for other in ("?viewport=64,64", "?accept=image/png", "?quality=85", "?window=40,400,linear"):
            assert image(requests.get(target + other, timeout=20).content).size[0] <= 264
        if level == 3:
            assert ready.headers["ETag"] == before.headers["ETag"]
    finally:
        place.unlink()


def test_the_profile_of_the_colours_goes_along_where_asked(box: Box, tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    uids = {"StudyInstanceUID": "1.2.998", "SeriesInstanceUID": "1.2.998.1", "SOPInstanceUID": "1.2.998.1.1"}
    stock(box, picture(tmp_path / "wound", np.zeros((8, 8, 3), np.uint8), ICCProfile=profile, **uids))
    with opened(box) as doors:
        for query, found in (("", None), ("?iccprofile=no", None), ("?iccprofile=yes", profile)):
            for kind in ("rendered", "thumbnail"):
                address = f"{doors.clinic}{ROOT}/studies/1.2.998/{kind}{query}"
                answer = requests.get(address, headers={"Accept": "image/jpeg"}, timeout=20)
                assert image(answer.content).info.get("icc_profile") == found, address


def test_what_is_asked_for_is_written_into_the_picture(clinic: str, brain: Dataset) -> None:
    target = f"{url(clinic, brain)}/rendered?accept=image/png"
    plain = np.asarray(image(requests.get(target, timeout=20).content)).astype(int)
    noted = np.asarray(image(requests.get(f"{target}&annotation=patient", timeout=20).content)).astype(int)
    assert (noted != plain)[:40, :120].any()
    assert np.array_equal(noted[64:], plain[64:])
    both = np.asarray(image(requests.get(f"{target}&annotation=patient,technique", timeout=20).content)).astype(int)
    assert (both != plain)[200:].any()
    assert requests.get(f"{target}&annotation=weather", timeout=20).status_code == 400


def test_overlays_are_in_pictures_and_small_ones_and_their_bits_in_the_metadata(box: Box, tmp_path: Path) -> None:
    marks = np.zeros((64, 64), bool)
    marks[:32] = True
    uids = {"StudyInstanceUID": "1.2.997", "SeriesInstanceUID": "1.2.997.1", "SOPInstanceUID": "1.2.997.1.1"}
    stock(box, plane(picture(tmp_path / "marked", np.full((64, 64), 9, np.uint8), **uids), marks))
    with opened(box) as doors:
        address = f"{doors.clinic}{ROOT}/studies/1.2.997"
        for kind in ("rendered", "thumbnail"):
            answer = requests.get(f"{address}/{kind}?quality=100", headers={"Accept": "image/jpeg"}, timeout=20)
            shown = np.asarray(image(answer.content))
            assert (shown[:30] > 250).all()
            assert (shown[34:] < 15).all()
        (metadata,) = requests.get(f"{address}/metadata", timeout=20).json()
        assert b64decode(metadata["60003000"]["InlineBinary"]) == b"\xff" * 256 + b"\0" * 256


def test_a_picture_that_is_drawn_otherwise_than_before_is_sent_again(
    clinic: str, brain: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"{url(clinic, brain)}/rendered"
    with monkeypatch.context() as older:
        older.setattr(Picture.__init__, "__defaults__", (DRAWN - 1,))
        before = requests.get(address, timeout=20).headers["ETag"]
        assert requests.get(address, headers={"If-None-Match": before}, timeout=20).status_code == 304
    assert requests.get(address, headers={"If-None-Match": before}, timeout=20).status_code == 200
