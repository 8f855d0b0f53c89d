"""Frames, as dicomweb-client and viewers ask for them (PS3.18 10.4.1.1.6)."""

from __future__ import annotations

import warnings

import numpy as np
import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom.dataset import Dataset

from tests.support.files import PYDICOM, brainix, knee
from web.dicomweb.frames import listed

OHIF = "multipart/related; type=application/octet-stream; transfer-syntax=*"


def sample(name: str) -> Dataset:
    return pydicom.dcmread(next(PYDICOM.rglob(name)))


def url(clinic: str, dataset: Dataset, frames: str) -> str:
    series = f"{clinic}/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}"
    return f"{series}/instances/{dataset.SOPInstanceUID}/frames/{frames}"


def parts(answer: requests.Response) -> list[tuple[str, bytes]]:
    """Head and body of each part."""
    boundary = b"--" + answer.headers["Content-Type"].rpartition("boundary=")[2].encode()
    pieces = (b"\r\n" + answer.content).split(b"\r\n" + boundary)[1:-1]
    return [(head.decode(), body) for head, _, body in (piece.partition(b"\r\n\r\n") for piece in pieces)]


def get(clinic: str, dataset: Dataset, frames: str, accept: str) -> requests.Response:
    return requests.get(url(clinic, dataset, frames), headers={"Accept": accept}, timeout=20)


def test_the_client_gets_uncompressed_frames_by_default(client: DICOMwebClient) -> None:
    for path in (brainix()[0], knee()[0]):
        dataset = pydicom.dcmread(path)
        uids = (dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)
        (frame,) = client.retrieve_instance_frames(*uids, frame_numbers=[1])
        values = np.frombuffer(frame, dataset.pixel_array.dtype).reshape(dataset.pixel_array.shape)
        assert np.array_equal(values, dataset.pixel_array)


def test_many_frames_come_in_the_order_asked_for(client: DICOMwebClient) -> None:
    dose = sample("rtdose.dcm")
    uids = (dose.StudyInstanceUID, dose.SeriesInstanceUID, dose.SOPInstanceUID)
    frames = client.retrieve_instance_frames(*uids, frame_numbers=[15, 1, 7])
    assert [
        np.array_equal(np.frombuffer(frame, "<u4"), dose.pixel_array[number - 1].ravel())
        for frame, number in zip(frames, (15, 1, 7), strict=True)
    ] == [True] * 3


def test_ohif_gets_stored_frames_that_say_what_they_are(clinic: str) -> None:
    compressed = pydicom.dcmread(knee()[0])
    ((head, body),) = parts(get(clinic, compressed, "1", OHIF))
    syntax = compressed.file_meta.TransferSyntaxUID
    assert f"\r\nContent-Type: application/octet-stream; transfer-syntax={syntax}\r\n" in head
    assert body.startswith(b"\xff\x4f\xff\x51")
    plain = pydicom.dcmread(brainix()[0])
    ((head, body),) = parts(get(clinic, plain, "1", OHIF))
    assert f"Content-Type: application/octet-stream; transfer-syntax={plain.file_meta.TransferSyntaxUID}\r\n" in head
    assert body == plain.PixelData


@pytest.mark.parametrize(
    "accept", ['multipart/related; type="image/jp2"', "multipart/related; type=image/*; transfer-syntax=*"]
)
def test_a_frame_comes_under_the_name_of_its_compression(clinic: str, accept: str) -> None:
    ((head, body),) = parts(get(clinic, pydicom.dcmread(knee()[0]), "1", accept))
    assert "Content-Type: image/jp2; transfer-syntax=1.2.840.10008.1.2.4.91" in head
    assert body.startswith(b"\xff\x4f\xff\x51")


def test_run_lengths_have_an_old_and_a_new_name(clinic: str) -> None:
    dataset = sample("SC_rgb_rle_2frame.dcm")
    for name in ("image/dicom-rle", "image/x-dicom-rle"):
        found = parts(get(clinic, dataset, "1,2", f'multipart/related; type="{name}"'))
        assert ["image/dicom-rle" in head for head, _ in found] == [True, True]
    plain = parts(get(clinic, dataset, "1,2", "*/*"))
    assert [
        np.frombuffer(body, np.uint8).reshape(100, 100, 3).tolist() for _, body in plain
    ] == dataset.pixel_array.tolist()


def test_colours_come_as_rgb_when_uncompressed(clinic: str) -> None:
    dataset = sample("examples_ybr_color.dcm")
    ((_, body),) = parts(get(clinic, dataset, "30", 'multipart/related; type="application/octet-stream"'))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset.decompress()
    frame = np.frombuffer(body, np.uint8).reshape(240, 320, 3)
    assert np.abs(frame.astype(int) - dataset.pixel_array[29]).mean() < 0.2


def test_a_single_frame_may_come_without_a_frame_around_it(clinic: str) -> None:
    dataset = pydicom.dcmread(knee()[0])
    plain = get(clinic, dataset, "1", "application/octet-stream")
    assert plain.headers["Content-Type"] == "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"
    assert plain.content == dataset.pixel_array.tobytes()
    stored = get(clinic, dataset, "1", "image/jp2, */*;q=0.1")
    assert stored.headers["Content-Type"] == "image/jp2; transfer-syntax=1.2.840.10008.1.2.4.91"


@pytest.mark.parametrize(
    ("frames", "status"),
    [
        ("2", 404),
        ("1,99", 404),
        ("0", 400),
        ("-1", 400),
        ("1,,1", 400),
        ("a", 400),
        ("1;2", 400),
        ("9" * 30, 400),
        ("²", 400),
    ],
)
def test_frames_that_are_none_are_refused_in_one_line(clinic: str, frames: str, status: int) -> None:
    answer = get(clinic, pydicom.dcmread(brainix()[0]), frames, "*/*")
    assert answer.status_code == status
    assert answer.text.count("\n") == 1


@pytest.mark.parametrize(
    "accept",
    [
        "image/png",
        'multipart/related; type="image/jpeg"',
        f"{OHIF[:-1]}1.2.840.10008.1.2.4.50",
        "video/mp4",
        "application/dicom",
    ],
)
def test_what_a_frame_cannot_be_is_refused_with_what_it_can(clinic: str, accept: str) -> None:
    answer = get(clinic, pydicom.dcmread(knee()[0]), "1", accept)
    assert answer.status_code == 406
    assert "application/octet-stream" in answer.text
    assert "image/jp2" in answer.text


def test_an_instance_without_pixels_has_no_frames(clinic: str) -> None:
    assert get(clinic, sample("rtplan.dcm"), "1", "*/*").status_code == 404


def test_lists_of_frames_are_read() -> None:
    assert listed("1") == [1]
    assert listed("3,1,2") == [3, 1, 2]
