"""Fetching DICOM files, as Python's dicomweb-client and plain HTTP clients do (PS3.18 10.4)."""

from __future__ import annotations

import warnings
from email import message_from_bytes
from email.message import Message
from io import BytesIO

import numpy as np
import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from appliance.box import Box
from appliance.dicom.model import Instance
from tests.support.files import brainix, knee

DICOM = 'multipart/related; type="application/dicom"'
EXPLICIT = str(ExplicitVRLittleEndian)


@pytest.fixture(scope="module")
def brain() -> Dataset:
    return pydicom.dcmread(brainix()[0])


@pytest.fixture(scope="module")
def compressed() -> Dataset:
    return pydicom.dcmread(knee()[0])


def url(clinic: str, dataset: Dataset, level: int = 3) -> str:
    names = (
        "studies",
        dataset.StudyInstanceUID,
        "series",
        dataset.SeriesInstanceUID,
        "instances",
        dataset.SOPInstanceUID,
    )
    return "/".join((clinic, *names[: level * 2]))


def parts(answer: requests.Response) -> list[Message]:
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    message = message_from_bytes(head + answer.content)
    assert message.is_multipart()
    return message.get_payload()  # type: ignore[return-value]


def bodies(answer: requests.Response) -> list[bytes]:
    """The parts' bytes, exactly: Python's own parser minds line ends."""
    boundary = b"--" + answer.headers["Content-Type"].rpartition("boundary=")[2].encode()
    assert answer.content.endswith(b"\r\n" + boundary + b"--\r\n")
    pieces = (b"\r\n" + answer.content).split(b"\r\n" + boundary)[1:-1]
    return [piece.partition(b"\r\n\r\n")[2] for piece in pieces]


def stored(box: Box, instance: Instance) -> bytes:
    return box.blobs.path(instance.blob_key).read_bytes()


@pytest.mark.parametrize("level", [1, 2])
def test_stored_bytes_come_as_they_are(clinic: str, stocked: Box, brain: Dataset, level: int) -> None:
    answer = requests.get(url(clinic, brain, level), headers={"Accept": f"{DICOM}; transfer-syntax=*"}, timeout=30)
    assert answer.status_code == 200
    series = brain.SeriesInstanceUID if level == 2 else ""
    instances = stocked.storage.studies.instances(brain.StudyInstanceUID, series)
    assert bodies(answer) == [stored(stocked, instance) for instance in instances]
    assert int(answer.headers["Content-Length"]) == len(answer.content)


def test_each_part_says_what_it_is_in_the_letters_that_viewers_look_for(clinic: str, compressed: Dataset) -> None:
    answer = requests.get(url(clinic, compressed), headers={"Accept": f"{DICOM}; transfer-syntax=*"}, timeout=30)
    syntax = compressed.file_meta.TransferSyntaxUID
    assert f"\r\nContent-Type: application/dicom; transfer-syntax={syntax}\r\n".encode() in answer.content
    assert answer.content.startswith(b"--pacsbox-")
    (part,) = parts(answer)
    assert part["Content-Location"] == url("/dicom-web", compressed)


def test_compressed_images_come_uncompressed_unless_asked_otherwise(
    client: DICOMwebClient, compressed: Dataset
) -> None:
    uids = (compressed.StudyInstanceUID, compressed.SeriesInstanceUID, compressed.SOPInstanceUID)
    plain = client.retrieve_instance(*uids, media_types=(("application/dicom", EXPLICIT),))
    assert plain.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert np.array_equal(plain.pixel_array, compressed.pixel_array)
    as_stored = client.retrieve_instance(*uids, media_types=(("application/dicom", "*"),))
    assert as_stored.file_meta.TransferSyntaxUID == compressed.file_meta.TransferSyntaxUID
    assert as_stored.PixelData == compressed.PixelData


def test_a_whole_study_and_a_series_come_by_client(client: DICOMwebClient, brain: Dataset, compressed: Dataset) -> None:
    assert len(client.retrieve_study(brain.StudyInstanceUID)) == 44
    assert len(list(client.iter_study(brain.StudyInstanceUID))) == 44
    series = client.retrieve_series(compressed.StudyInstanceUID, compressed.SeriesInstanceUID)
    assert {each.file_meta.TransferSyntaxUID for each in series} == {ExplicitVRLittleEndian}


def test_every_transfer_syntax_comes_as_the_same_image(client: DICOMwebClient, stocked: Box) -> None:
    instances = {each.sop_instance_uid: each for each in stocked.storage.studies.instances("1.2.999")}
    fetched = client.retrieve_study("1.2.999")
    assert len(fetched) == len(instances) > 12
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        images = {each.SOPInstanceUID: each.pixel_array.astype(int) for each in fetched}
    whole = next(images[uid] for uid, each in instances.items() if each.transfer_syntax_uid == EXPLICIT)
    for each in fetched:
        was = instances[each.SOPInstanceUID].transfer_syntax_uid
        assert each.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian, was
        difference = np.abs(images[each.SOPInstanceUID] - whole).mean()
        assert difference == 0 or (pydicom.uid.UID(was).is_compressed and each.LossyImageCompression == "01"), was


@pytest.mark.parametrize("accept", ["application/dicom", "application/dicom; transfer-syntax=*", "application/*"])
def test_an_instance_may_come_as_a_file_of_its_own(clinic: str, stocked: Box, brain: Dataset, accept: str) -> None:
    answer = requests.get(url(clinic, brain), headers={"Accept": accept}, timeout=30)
    assert answer.headers["Content-Type"] == f"application/dicom; transfer-syntax={EXPLICIT}"
    instance = stocked.storage.studies.instance(brain.StudyInstanceUID, brain.SOPInstanceUID)
    assert instance is not None
    assert answer.content == stored(stocked, instance)


def test_a_single_compressed_file_comes_uncompressed_by_default(clinic: str, compressed: Dataset) -> None:
    answer = requests.get(url(clinic, compressed), headers={"Accept": "application/dicom"}, timeout=30)
    fetched = pydicom.dcmread(BytesIO(answer.content))
    assert np.array_equal(fetched.pixel_array, compressed.pixel_array)
    for element in compressed:
        if element.tag.group != 0x7FE0:
            assert fetched[element.tag] == element


def test_the_query_may_say_what_is_taken(clinic: str, brain: Dataset) -> None:
    answer = requests.get(f"{url(clinic, brain)}?accept=application/dicom", headers={"Accept": "text/html"}, timeout=30)
    assert answer.headers["Content-Type"].startswith("application/dicom;")


@pytest.mark.parametrize(
    "accept", ["*/*", "multipart/related", DICOM, "multipart/related; type=application/dicom", "multipart/*"]
)
def test_parts_are_the_default(clinic: str, brain: Dataset, accept: str) -> None:
    answer = requests.get(url(clinic, brain), headers={"Accept": accept}, timeout=30)
    assert len(parts(answer)) == 1


@pytest.mark.parametrize(
    ("level", "accept"),
    [
        (1, "application/dicom"),
        (2, "application/dicom"),
        (1, "image/jpeg"),
        (3, "image/jpeg"),
        (3, 'multipart/related; type="image/jpeg"'),
        (3, f"{DICOM}; transfer-syntax=1.2.840.10008.1.2.4.50"),
        (3, "application/dicom; transfer-syntax=1.2.840.10008.1.2"),
        (3, "application/dicom; transfer-syntax=nonsense"),
    ],
)
def test_what_cannot_be_had_so_is_refused(clinic: str, brain: Dataset, level: int, accept: str) -> None:
    answer = requests.get(url(clinic, brain, level), headers={"Accept": accept}, timeout=30)
    assert answer.status_code == 406
    assert answer.text.count("\n") == 1


def test_what_fits_of_a_study_comes_as_a_part_of_it(clinic: str, stocked: Box) -> None:
    wanted = "1.2.840.10008.1.2.4.80"
    answer = requests.get(
        f"{clinic}/studies/1.2.999", headers={"Accept": f"{DICOM}; transfer-syntax={wanted}"}, timeout=30
    )
    assert answer.status_code == 206
    (body,) = bodies(answer)
    assert pydicom.dcmread(BytesIO(body)).file_meta.TransferSyntaxUID == wanted


def test_the_first_syntax_that_can_be_had_is_taken(clinic: str, compressed: Dataset) -> None:
    first = f"{DICOM}; transfer-syntax=1.2.840.10008.1.2.4.50, {DICOM}; transfer-syntax={EXPLICIT}"
    (body,) = bodies(requests.get(url(clinic, compressed), headers={"Accept": first}, timeout=30))
    assert pydicom.dcmread(BytesIO(body)).file_meta.TransferSyntaxUID == EXPLICIT
    second = (
        f"{DICOM}; transfer-syntax={EXPLICIT}; q=0.5, {DICOM}; transfer-syntax={compressed.file_meta.TransferSyntaxUID}"
    )
    (body,) = bodies(requests.get(url(clinic, compressed), headers={"Accept": second}, timeout=30))
    assert pydicom.dcmread(BytesIO(body)).file_meta.TransferSyntaxUID == compressed.file_meta.TransferSyntaxUID


def test_colours_come_as_rgb_and_many_frames_one_after_the_other(client: DICOMwebClient) -> None:
    (found,) = client.search_for_instances(search_filters={"SOPClassUID": "1.2.840.10008.5.1.4.1.1.3.1"})
    listed = Dataset.from_json(found)
    uids = (listed.StudyInstanceUID, listed.SeriesInstanceUID, listed.SOPInstanceUID)
    fetched = client.retrieve_instance(*uids, media_types=(("application/dicom", EXPLICIT),))
    assert fetched.PhotometricInterpretation == "RGB"
    assert fetched.LossyImageCompression == "01"
    original = pydicom.dcmread(pydicom.data.get_testdata_file("examples_ybr_color.dcm"))
    original.decompress()
    difference = np.abs(fetched.pixel_array.astype(int) - original.pixel_array)
    assert fetched.pixel_array.shape == (30, 240, 320, 3)
    assert difference.mean() < 0.1


def test_what_is_not_here_is_not_found(clinic: str, brain: Dataset) -> None:
    for path in (
        "studies/1.2.3",
        "studies/1.2.3/series/1.2",
        f"studies/1.2.3/series/1.2/instances/{brain.SOPInstanceUID}",
    ):
        assert requests.get(f"{clinic}/{path}", timeout=10).status_code == 404


def test_a_head_tells_the_length_and_sends_nothing(clinic: str, brain: Dataset) -> None:
    answer = requests.head(url(clinic, brain, 1), headers={"Accept": f"{DICOM}; transfer-syntax=*"}, timeout=10)
    assert answer.status_code == 200
    assert int(answer.headers["Content-Length"]) > 1_000_000


@pytest.mark.parametrize(("syntax", "length"), [("*", True), ("1.2.840.10008.1.2.1", False)])
def test_the_head_of_a_file_alone_tells_its_length_unless_it_is_made(
    clinic: str, compressed: Dataset, syntax: str, length: bool
) -> None:
    headers = {"Accept": f"application/dicom; transfer-syntax={syntax}", "Accept-Encoding": "identity"}
    head, whole = (ask(url(clinic, compressed), headers=headers, timeout=20) for ask in (requests.head, requests.get))
    assert head.status_code == whole.status_code == 200
    assert head.headers.get("Content-Length") == (str(len(whole.content)) if length else None)
    for name in ("Content-Type", "ETag", "Last-Modified", "Vary"):
        assert head.headers[name] == whole.headers[name]
