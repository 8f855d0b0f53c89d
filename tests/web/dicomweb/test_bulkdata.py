"""Bulk data, by the URIs that the metadata gives (PS3.18 10.4.1.1.5, F.2.6)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom.dataset import Dataset

from tests.support.files import PYDICOM, brainix, knee, shared


def server(clinic: str) -> str:
    place = urlsplit(clinic)
    return f"{place.scheme}://{place.netloc}"


def metadata(client: DICOMwebClient, dataset: Dataset) -> dict[str, Any]:
    uids = (dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)
    found: dict[str, Any] = client.retrieve_instance_metadata(*uids)
    return found


@pytest.fixture(scope="module")
def brain() -> Dataset:
    return pydicom.dcmread(brainix()[0])


@pytest.fixture(scope="module")
def pixels(clinic: str, client: DICOMwebClient, brain: Dataset) -> str:
    """The URL of an uncompressed image's pixels."""
    uri: str = metadata(client, brain)["7FE00010"]["BulkDataURI"]
    return server(clinic) + uri


def test_pixels_come_by_the_uri_of_the_metadata(client: DICOMwebClient, pixels: str, brain: Dataset) -> None:
    (data,) = client.retrieve_bulkdata(pixels)
    assert data == brain.PixelData
    assert requests.get(pixels, timeout=10).content == brain.PixelData


def test_a_part_of_it_may_be_asked_for(client: DICOMwebClient, pixels: str, brain: Dataset) -> None:
    (data,) = client.retrieve_bulkdata(pixels, byte_range=(100, 199))
    assert data == brain.PixelData[100:200]
    answer = requests.get(pixels, headers={"Range": "bytes=-10"}, timeout=10)
    assert (answer.status_code, answer.content) == (206, brain.PixelData[-10:])
    size = len(brain.PixelData)
    assert answer.headers["Content-Range"] == f"bytes {size - 10}-{size - 1}/{size}"
    nothing = requests.get(pixels, headers={"Range": "bytes=-0"}, timeout=10)
    assert (nothing.status_code, nothing.headers["Content-Range"]) == (416, f"bytes */{size}")
    beyond = requests.get(pixels, headers={"Range": f"bytes={size}-"}, timeout=10)
    assert beyond.status_code == 416
    assert requests.get(pixels, headers={"Range": "lines=1-2"}, timeout=10).content == brain.PixelData


def test_compressed_pixels_come_frame_by_frame(clinic: str, client: DICOMwebClient) -> None:
    dataset = pydicom.dcmread(next(PYDICOM.rglob("SC_rgb_rle_2frame.dcm")))
    url = server(clinic) + metadata(client, dataset)["7FE00010"]["BulkDataURI"]
    frames = client.retrieve_bulkdata(url)
    assert b"".join(frames) == dataset.pixel_array.tobytes()
    stored = client.retrieve_bulkdata(url, media_types=(("image/dicom-rle", "1.2.840.10008.1.2.5"),))
    assert len(stored) == 2
    assert all(frame in dataset.PixelData for frame in stored)


def test_a_document_comes_as_what_it_is(clinic: str, client: DICOMwebClient) -> None:
    dataset = pydicom.dcmread(shared("odd", "sample-pdf.dcm"))
    url = server(clinic) + metadata(client, dataset)["00420011"]["BulkDataURI"]
    for accept in ("*/*", "application/pdf", "text/html,application/xhtml+xml,*/*;q=0.8"):
        answer = requests.get(url, headers={"Accept": accept}, timeout=10)
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.content.startswith(b"%PDF")
    octets = requests.get(url, headers={"Accept": "application/octet-stream"}, timeout=10)
    assert octets.headers["Content-Type"] == "application/octet-stream"
    (data,) = client.retrieve_bulkdata(url)
    assert data == octets.content


@pytest.mark.parametrize(
    ("element", "status"),
    [("00189999", 404), ("7FE00011", 404), ("PixelData", 400), ("00081140/0/00081150/0", 400), ("..%2F..", 400)],
)
def test_what_is_not_there_is_refused_in_one_line(pixels: str, element: str, status: int) -> None:
    answer = requests.get(pixels.replace("7FE00010", element), timeout=10)
    assert answer.status_code == status
    assert answer.text.count("\n") == 1


def test_what_it_cannot_be_is_refused(pixels: str) -> None:
    assert requests.get(pixels, headers={"Accept": "image/png"}, timeout=10).status_code == 406


def test_every_uri_of_the_metadata_leads_to_bytes(clinic: str, client: DICOMwebClient) -> None:
    for path in (knee()[0], next(PYDICOM.rglob("examples_palette.dcm")), next(PYDICOM.rglob("rtdose.dcm"))):
        found = _uris(metadata(client, pydicom.dcmread(path)))
        assert found
        for uri in found:
            assert client.retrieve_bulkdata(server(clinic) + uri)


def _uris(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["BulkDataURI"]] if "BulkDataURI" in value else []
        return own + [uri for each in value.values() for uri in _uris(each)]
    return [uri for each in value for uri in _uris(each)] if isinstance(value, list) else []
