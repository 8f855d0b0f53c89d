"""Storing metadata with bulk data beside: every file of ours goes from one box to another in this form."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pydicom
import pytest
import requests
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.multival import MultiValue

from appliance.box import Box
from appliance.config import load
from appliance.dicom import part10
from appliance.dicom.json import encode
from appliance.dicom.xml import native
from appliance.errors import UnreadableInstanceError
from tests.support.clinic import ROOT, one_study, opened
from tests.support.files import brainix, every_file, pydicom_files
from tests.support.growth import held
from tests.support.indexing import stock

Json = dict[str, Any]
JSON, XML, OCTETS = "application/dicom+json", "application/dicom+xml", "application/octet-stream"
ANY = f'multipart/related; type="{OCTETS}"; transfer-syntax=*, multipart/related; transfer-syntax=*'
DAMAGED = "1.3.6.1.4.1.23438.1.1.1"
"""Its pixel data have no end: there is nothing to hand out."""
NOT_COMPARED = {0x00080005, 0x00083002, 0xFFFCFFFC}
"""The character set, which is UTF-8 now; what is not of the data set."""
INVALID = {("1.9.999.999.99.9.9999.9999.20030818153516", 0x00280008)}
"""A number of frames that is none: metadata can't say it."""


@pytest.fixture
def source(tmp_path: Path) -> Iterator[tuple[Box, str]]:
    """Another box, to be filled, and its DICOMweb."""
    environment = {"PACSBOX_DATA_DIR": str(tmp_path / "source")}
    environment |= {"PACSBOX_WEB_PUBLIC_PORT": "0", "PACSBOX_WEB_CLINIC_PORT": "0"}
    box = Box(load(environment=environment)[0])
    with opened(box) as doors:
        yield box, doors.clinic + ROOT
    box.close()


def relayed(source: str, target: str, study: str, kind: str) -> requests.Response:
    """The study's metadata and bulk data, as they come from one box, sent to the other."""
    form = kind if kind == JSON else f'multipart/related; type="{XML}"'
    metadata = requests.get(f"{source}/studies/{study}/metadata", headers={"Accept": form}, timeout=60).content
    documents = [metadata] if kind == JSON else re.findall(rb"<\?xml.*?</NativeDicomModel>", metadata, re.DOTALL)
    bulk = requests.get(f"{source}/studies/{study}/bulkdata", headers={"Accept": ANY}, timeout=60)
    said = re.search("boundary=(.*)", bulk.headers.get("Content-Type", ""))
    boundary, rest = (said[1], bulk.content) if said else ("none", b"--none--")
    return post(target, kind, *((kind, "", each) for each in documents), boundary=boundary, rest=rest)


def post(
    root: str, kind: str, *parts: tuple[str, str, bytes], boundary: str = "x", rest: bytes = b"--x--\r\n"
) -> requests.Response:
    """Parts by Content-Type, Content-Location and body."""
    body = b"".join(
        f"--{boundary}\r\nContent-Type: {said}\r\nContent-Location: {place}\r\n\r\n".encode() + data + b"\r\n"
        for said, place, data in parts
    )
    headers = {"Content-Type": f'multipart/related; type="{kind}"; boundary={boundary}'}
    return requests.post(f"{root}/studies", data=body + rest, headers=headers, timeout=60)


def unequal(before: Dataset, after: Dataset, path: str = "") -> list[str]:
    """Which elements differ, in more than JSON can tell."""
    found = []
    for tag in sorted({*before.keys(), *after.keys()} - NOT_COMPARED):
        if tag.element and (before.get("SOPInstanceUID"), int(tag)) not in INVALID:
            one, other = (dataset[tag].value if tag in dataset else None for dataset in (before, after))
            if tag == 0x7FE00010 and not path and before.file_meta.TransferSyntaxUID.is_encapsulated:
                one, other = frames(before), frames(after)
            elif isinstance(one, pydicom.Sequence) and isinstance(other, pydicom.Sequence) and len(one) == len(other):
                for number, items in enumerate(zip(one, other, strict=True)):
                    found += unequal(*items, f"{path}{tag}[{number}]")
                continue
            if plain(one) != plain(other):
                found.append(f"{path}{tag}")
    return found


def plain(value: Any) -> Any:
    """Without what means nothing: empty values and name components at the end, padding."""
    if isinstance(value, MultiValue | list):
        values = [plain(each) for each in value]
        while values and not values[-1]:
            values.pop()
        return values[0] if len(values) == 1 else values or ""
    if isinstance(value, pydicom.valuerep.PersonName | str):
        return str(value).rstrip("^ \0").replace("\r\n", "\n")
    return "" if value is None else value


def frames(dataset: Dataset) -> list[bytes]:
    count = int(dataset.get("NumberOfFrames") or 1)
    return [frame.rstrip(b"\0") for frame in generate_frames(dataset.PixelData, number_of_frames=count)]


def has_header(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return bool(part10.read(file))
    except UnreadableInstanceError:
        return False


def big_endian(dataset: Dataset) -> bool:
    return str(dataset.file_meta.TransferSyntaxUID) == "1.2.840.10008.1.2.2"


@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom's, of files that are not as the standard has them
@pytest.mark.timeout(300)
def test_every_file_of_ours_goes_from_box_to_box_as_metadata_and_bulk_data(
    root: str, box: Box, source: tuple[Box, str], tmp_path: Path
) -> None:
    known, there = source
    stock(known, *filter(has_header, every_file()), *one_study(tmp_path))
    refused = set()
    for study in list(known.storage.studies.study_uids()):
        answer = relayed(there, root, study, JSON)
        refused |= {item["00081155"]["Value"][0] for item in answer.json().get("00081198", {}).get("Value", ())}
    assert refused == {DAMAGED}
    assert compared(known, box) > 200


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_it_goes_as_xml_just_so(root: str, box: Box, source: tuple[Box, str]) -> None:
    known, there = source
    odd = ("CT_small", "SC_rgb_rle_2frame", "rtplan", "rtdose", "liver_1frame", "waveform_ecg", "reportsi")
    stock(known, *(path for path in pydicom_files() if path.stem in odd or path.parent.name == "charset_files"))
    for study in list(known.storage.studies.study_uids()):
        assert relayed(there, root, study, XML).status_code == 200
    assert compared(known, box) >= 20


def compared(known: Box, box: Box) -> int:
    """How many instances are in both; all of those have equal data sets."""
    count = 0
    for study in known.storage.studies.study_uids():
        for instance in known.storage.studies.instances(study):
            copy = box.storage.studies.instance(study, instance.sop_instance_uid)
            if copy is None:
                assert instance.sop_instance_uid == DAMAGED
                continue
            before, after = (
                pydicom.dcmread(each.blobs.path(of.blob_key)) for each, of in ((known, instance), (box, copy))
            )
            if big_endian(before):
                del before.PixelData, after.PixelData  # words are the other way round; `test_bulkdata` looks at them
            assert unequal(before, after) == [], instance.sop_instance_uid
            count += 1
    return count


def image(**attributes: Any) -> Json:
    """An MR's metadata; `attributes` by keyword have the last word, None leaves one out."""
    dataset = pydicom.dcmread(brainix()[0], stop_before_pixels=True)
    dataset.Rows = dataset.Columns = 2
    dataset.SOPInstanceUID = "1.2.3.4"
    for keyword, value in attributes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    model = encode(dataset, lambda path: path)
    return model | {"7FE00010": {"vr": "OW", "BulkDataURI": "bulk/1"}}


def stored(root: str, model: Json, *parts: tuple[str, str, bytes]) -> requests.Response:
    return post(root, JSON, (JSON, "", orjson.dumps([model])), *parts)


def reason(answer: requests.Response) -> int:
    assert answer.status_code == 409, answer.text
    (item,) = answer.json()["00081198"]["Value"]
    assert item["00081155"]["Value"] == ["1.2.3.4"]
    return int(item["00081197"]["Value"][0])


def kept(box: Box) -> Dataset:
    (study,) = box.storage.studies.study_uids()
    (instance,) = box.storage.studies.instances(study)
    return pydicom.dcmread(box.blobs.path(instance.blob_key))


@pytest.mark.parametrize("place", ["bulk/1", f"{ROOT}/bulk/1", "http://elsewhere/bulk/1"])
def test_a_part_is_found_by_its_place_however_both_are_written(root: str, box: Box, place: str) -> None:
    model = image()
    model["7FE00010"]["BulkDataURI"] = place if "//" in place else "./bulk/1"
    answer = stored(root, model, (OCTETS, place, b"\1\2\3\4\5\6\7\x08"))
    assert answer.status_code == 200, answer.text
    assert kept(box).PixelData == b"\1\2\3\4\5\6\7\x08"


def test_what_is_small_stands_in_the_metadata_alone(root: str, box: Box) -> None:
    model = image() | {"7FE00010": {"vr": "OW", "InlineBinary": "AQIDBAUGBwg="}}
    answer = requests.post(f"{root}/studies", data=orjson.dumps(model), headers={"Content-Type": JSON}, timeout=20)
    assert answer.status_code == 200, answer.text
    assert kept(box).PixelData == b"\1\2\3\4\5\6\7\x08"
    del model["7FE00010"]
    model["00080018"]["Value"] = ["1.2.3.5"]
    document = native(model)
    answer = requests.post(f"{root}/studies", data=document, headers={"Content-Type": XML}, timeout=20)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("kind", "syntax"),
    [
        ("image/jpeg", "1.2.840.10008.1.2.4.50"),
        ("image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.51"),
        ("image/jls", "1.2.840.10008.1.2.4.80"),
        ('image/jp2; transfer-syntax="1.2.840.10008.1.2.4.91"', "1.2.840.10008.1.2.4.91"),
        ("image/x-dicom-rle", "1.2.840.10008.1.2.5"),
        ("image/jphc", "1.2.840.10008.1.2.4.201"),
        (f"{OCTETS}; transfer-syntax=1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.70"),
        ("video/mp4", "1.2.840.10008.1.2.4.102"),
    ],
)
def test_compressed_frames_are_kept_in_their_transfer_syntax(root: str, box: Box, kind: str, syntax: str) -> None:
    count = 1 if "video" in kind else 2
    data = [b"\xff\xd8\xff\xc0\0\2frame" + bytes([number]) * 3 for number in range(count)]
    model = image(NumberOfFrames=2, BitsAllocated=8, BitsStored=8, HighBit=7)
    answer = stored(root, model, *((kind, "bulk/1", each) for each in data))
    assert answer.status_code == 200, answer.text
    after = kept(box)
    assert after.file_meta.TransferSyntaxUID == syntax
    assert list(generate_frames(after.PixelData, number_of_frames=count)) == data


@pytest.mark.parametrize(
    ("changed", "parts", "expected"),
    [
        ({}, [], 0xC000),
        ({}, [(OCTETS, "bulk/2", b"12345678")], 0xC000),
        ({}, [("image/png", "bulk/1", b"12345678")], 0xC122),
        ({}, [("image/jpeg; transfer-syntax=1.2.840.10008.1.2.5", "bulk/1", b"12345678")], 0xC122),
        ({}, [(f"{OCTETS}; transfer-syntax=1.2.840.10008.1.2.2", "bulk/1", b"12345678")], 0xC122),
        ({}, [("image/jpeg", "bulk/1", b"1"), ("image/jls", "bulk/1", b"2")], 0xC000),
        ({"NumberOfFrames": 3}, [("image/jpeg", "bulk/1", b"1"), ("image/jpeg", "bulk/1", b"2")], 0xA900),
        ({"Rows": None}, [(OCTETS, "bulk/1", b"12345678")], 0xA900),
        ({"StudyInstanceUID": None}, [(OCTETS, "bulk/1", b"12345678")], 0xC000),
        ({"SeriesInstanceUID": ""}, [(OCTETS, "bulk/1", b"12345678")], 0xC000),
        ({"SOPClassUID": None}, [(OCTETS, "bulk/1", b"12345678")], 0xC000),
    ],
)
def test_what_no_instance_can_be_made_of_is_refused_with_the_reason(
    root: str, box: Box, changed: Json, parts: list[tuple[str, str, bytes]], expected: int
) -> None:
    assert reason(stored(root, image(**changed), *parts)) == expected
    assert box.storage.studies.count() == (0, 0)
    assert not list((box.data_dir / "spool").rglob("*.dcm"))


def test_one_that_is_refused_leaves_the_others(root: str, box: Box) -> None:
    models = [image(), image(SOPInstanceUID="1.2.3.5") | {"00280010": {"vr": "ZZ"}}]
    answer = post(root, JSON, (JSON, "", orjson.dumps(models)), (OCTETS, "bulk/1", bytes(8)))
    assert answer.status_code == 202
    report = answer.json()
    assert [report[tag]["Value"][0]["00081155"]["Value"] for tag in ("00081199", "00081198")] == [
        ["1.2.3.4"],
        ["1.2.3.5"],
    ]


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        (JSON, b"{"),
        (JSON, b"[1]"),
        (JSON, b'"text"'),
        (JSON, b"[]"),
        (JSON, b"\xff\xfe"),
        (JSON, b"[" * 100_000),
        (XML, b"<x"),
        (XML, b"<other/>"),
        (XML, b'<!DOCTYPE a [<!ENTITY b "c">]><NativeDicomModel/>'),
        (
            XML,
            b"<NativeDicomModel><DicomAttribute tag='1' vr='UI'><Value>1</Value></DicomAttribute></NativeDicomModel>",
        ),
        (XML, b"<NativeDicomModel>" + b"<DicomAttribute><Item number='1'>" * 5000),
    ],
)
def test_what_is_no_metadata_is_refused_in_one_line(root: str, kind: str, document: bytes) -> None:
    answer = post(root, kind, (kind, "", document))
    assert answer.status_code == 400
    assert answer.text.count("\n") == 1


def test_a_part_without_a_place_is_refused_and_metadata_have_a_limit(
    root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = stored(root, image(), (OCTETS, "", b"12345678"))
    assert (answer.status_code, "Content-Location" in answer.text) == (400, True)
    monkeypatch.setattr("web.dicomweb.composed._MOST_METADATA", 1000)
    answer = stored(root, image())
    assert (answer.status_code, "fewer" in answer.text) == (413, True)


def test_a_full_disk_is_told(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.spool.room.Room.free", lambda _self: 0)
    answer = stored(root, image(), (OCTETS, "bulk/1", bytes(8)))
    assert answer.status_code == 507
    assert answer.text.count("\n") == 1


def test_bulk_data_of_any_size_pass_through_little_memory(root: str, box: Box) -> None:
    size, before = 200 << 20, held(os.getpid()).memory
    model = image(Rows=10240, Columns=10240)
    head = b"--x\r\nContent-Type: %b\r\n\r\n%b\r\n--x\r\nContent-Location: bulk/1\r\n\r\n"
    most = before

    def body() -> Iterator[bytes]:
        nonlocal most
        yield head % (JSON.encode(), orjson.dumps([model]))
        for _ in range(size >> 20):
            yield bytes(1 << 20)
            most = max(most, held(os.getpid()).memory)
        yield b"\r\n--x--"

    headers = {"Content-Type": f'multipart/related; type="{JSON}"; boundary=x'}
    answer = requests.post(f"{root}/studies", data=body(), headers=headers, timeout=120)
    assert answer.status_code == 200, answer.text
    assert max(most, held(os.getpid()).memory) - before < 60
    (study,) = box.storage.studies.study_uids()
    assert box.storage.studies.instances(study)[0].size > size
