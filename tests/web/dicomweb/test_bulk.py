"""All bulk data of a study, a series or an instance at once."""

from __future__ import annotations

from email import message_from_bytes
from email.message import Message

import pydicom
import pytest
import requests

from appliance.box import Box
from appliance.dicom.model import Instance
from tests.support.clinic import named

OCTETS = {"Accept": 'multipart/related; type="application/octet-stream"'}
ANY = {"Accept": 'multipart/related; type="application/octet-stream"; transfer-syntax=*'}


def parts(answer: requests.Response) -> list[Message]:
    assert answer.status_code == 200, answer.text
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    found = message_from_bytes(head + answer.content).get_payload()
    assert isinstance(found, list)
    return found


def url(clinic: str, of: Instance, level: int) -> str:
    names = ("studies", of.study_instance_uid, "series", of.series_instance_uid, "instances", of.sop_instance_uid)
    return "/".join((clinic, *names[: 2 * level]))


@pytest.mark.parametrize("level", [1, 2, 3])
@pytest.mark.parametrize("what", ["bulkdata", "pixeldata"])
def test_all_bulk_data_of_a_level_come_in_parts(clinic: str, stocked: Box, level: int, what: str) -> None:
    instances = stocked.storage.studies.instances(named(stocked, "BRAINIX"))
    first = instances[0]
    within = [
        each
        for each in instances
        if level == 1
        or (level == 2 and each.series_instance_uid == first.series_instance_uid)
        or each.sop_instance_uid == first.sop_instance_uid
    ]
    found = parts(requests.get(f"{url(clinic, first, level)}/{what}", headers=OCTETS, timeout=60))
    pixels = [each for each in found if each["Content-Location"].endswith("/bulkdata/7FE00010")]
    assert [each["Content-Location"].split("/")[7] for each in pixels] == [each.sop_instance_uid for each in within]
    assert len(pixels[0].get_payload(decode=True)) > 1000
    assert (what == "bulkdata") or len(pixels) == len(found)


def test_they_are_the_bytes_of_the_file(clinic: str, stocked: Box) -> None:
    first = stocked.storage.studies.instances(named(stocked, "BRAINIX"))[0]
    answer = requests.get(f"{url(clinic, first, 3)}/pixeldata", headers=OCTETS, timeout=60)
    assert pydicom.dcmread(stocked.blobs.path(first.blob_key)).PixelData in answer.content


@pytest.mark.parametrize(("accept", "syntax"), [(OCTETS, "1.2.840.10008.1.2.1"), (ANY, "1.2.840.10008.1.2.4.91")])
def test_compressed_pixels_come_frame_by_frame_in_the_form_asked_for(
    clinic: str, stocked: Box, accept: dict[str, str], syntax: str
) -> None:
    instance = next(
        each
        for each in stocked.storage.studies.instances(named(stocked, "KNEE"))
        if each.transfer_syntax_uid == "1.2.840.10008.1.2.4.91"
    )
    (part,) = parts(requests.get(f"{url(clinic, instance, 3)}/pixeldata", headers=accept, timeout=60))
    assert part["Content-Location"].endswith("/frames/1")
    assert syntax in part["Content-Type"]


def test_what_has_none_is_not_found_and_one_part_alone_is_refused(clinic: str, stocked: Box) -> None:
    studies = stocked.storage.studies
    plan = next(
        each
        for uid in studies.study_uids()
        for each in studies.instances(uid)
        if each.sop_class_uid == "1.2.840.10008.5.1.4.1.1.481.5"
    )
    assert requests.get(f"{url(clinic, plan, 3)}/pixeldata", headers=OCTETS, timeout=20).status_code == 404
    one = {"Accept": "image/jpeg"}
    assert requests.get(f"{url(clinic, plan, 3)}/pixeldata", headers=one, timeout=20).status_code == 406
