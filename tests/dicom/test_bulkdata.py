"""Single values of stored instances, by the path that their metadata gives them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import pydicom
import pytest
from pydicom.dataset import Dataset

from appliance.dicom import header
from appliance.dicom.bulkdata import value
from appliance.dicom.json import MAX_DEPTH
from appliance.dicom.source import NothingToShowError
from tests.support.files import PYDICOM, shared


def sample(name: str) -> Path:
    return next(PYDICOM.rglob(name))


def whole(path: Path, element: str) -> bytes:
    return b"".join(value(path, element).chunks())


@pytest.mark.parametrize(
    "name",
    ["CT_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm", "image_dfl.dcm", "rtdose_expb.dcm"],
)
def test_native_pixels_come_little_endian(name: str) -> None:
    path = sample(name)
    pixels = pydicom.dcmread(path).pixel_array
    data = whole(path, "7FE00010")
    assert np.array_equal(np.frombuffer(data, pixels.dtype.newbyteorder("<"))[: pixels.size], pixels.ravel())
    assert value(path, "7fe00010").size == len(data)


def test_a_part_of_a_value_can_be_had() -> None:
    path = sample("CT_small.dcm")
    data = whole(path, "7FE00010")
    assert b"".join(value(path, "7FE00010").chunks(100, 200)) == data[100:200]


def test_values_within_sequences_are_found_by_item(tmp_path: Path) -> None:
    dataset = pydicom.dcmread(sample("CT_small.dcm"))
    items = [Dataset(), Dataset()]
    items[1].PixelPaddingValue = 1
    items[1].add_new(0x00189999, "OW", bytes(range(256)) * 10)
    dataset.add_new(0x00540016, "SQ", items)
    path = tmp_path / "nested.dcm"
    dataset.save_as(path)
    assert whole(path, "00540016/1/00189999") == bytes(range(256)) * 10
    for absent in ("00540016/0/00189999", "00540016/2/00189999", "00540017/0/00189999", "00540016/1/00189998"):
        with pytest.raises(LookupError):
            value(path, absent)


def test_a_document_comes_with_its_type_and_without_padding() -> None:
    found = value(shared("odd", "sample-pdf.dcm"), "00420011")
    assert found.media_type == "application/pdf"
    assert b"".join(found.chunks()).startswith(b"%PDF")


def test_what_is_not_there_or_in_fragments_is_said_so() -> None:
    with pytest.raises(LookupError):
        value(sample("CT_small.dcm"), "00081040")
    with pytest.raises(NothingToShowError, match="frames"):
        value(sample("JPEG2000.dcm"), "7FE00010")


@pytest.mark.parametrize(
    "element", ["", "7FE0", "PixelData", "7FE00010/", "00540016/x/00189999", "../etc/passwd", "00540016/1"]
)
def test_what_is_no_path_is_refused(element: str) -> None:
    with pytest.raises(ValueError, match="named by tags"):
        value(sample("CT_small.dcm"), element)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"])
def test_long_text_is_found_by_the_address_that_the_metadata_gives_it(tmp_path: Path, syntax: str) -> None:
    dataset = pydicom.dcmread(sample("CT_small.dcm"), stop_before_pixels=True)
    text = "said and done; " * 20_000
    item = Dataset()
    item.TextValue = "nested " + text
    dataset.TextValue = text
    dataset.ContentSequence = [item]
    path = tmp_path / "long.dcm"
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(path, implicit_vr=syntax == "1.2.840.10008.1.2")
    metadata = orjson.loads(header.read(path).metadata)
    for element, expected in (
        (metadata["0040A160"], text),
        (metadata["0040A730"]["Value"][0]["0040A160"], item.TextValue),
    ):
        assert element["vr"] == "UT"
        address = element["BulkDataURI"].partition("/bulkdata/")[2]
        assert whole(path, address).decode("ascii").rstrip() == expected.rstrip()


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm"])
def test_overlays_and_private_values_are_found_by_the_address_that_the_metadata_gives_them(
    tmp_path: Path, name: str
) -> None:
    dataset = pydicom.dcmread(sample(name))
    overlay, private = bytes(range(256)) * 2048, bytes(range(256)) * 8
    # pydicom writes the bytes as they are given.
    in_words = np.frombuffer(overlay, "<u2").astype(">u2").tobytes() if "big" in name else overlay
    item = Dataset()
    item.add_new(0x60023000, "OW", in_words)
    dataset.add_new(0x00540016, "SQ", [item])
    dataset.add_new(0x601E3000, "OW", in_words)
    dataset.add_new(0x60010010, "LO", "SOMEONE")
    dataset.add_new(0x60011001, "OB", private)
    path = tmp_path / "overlays.dcm"
    dataset.save_as(path)
    metadata = orjson.loads(header.read(path).metadata)
    for element, expected in (
        (metadata["601E3000"], overlay),
        (metadata["60011001"], private),
        (metadata["00540016"]["Value"][0]["60023000"], overlay),
    ):
        assert whole(path, element["BulkDataURI"].partition("/bulkdata/")[2]) == expected


def test_an_address_may_be_as_deep_as_what_is_indexed(tmp_path: Path) -> None:
    deepest = "/0/".join(["0040A730"] * MAX_DEPTH + ["0040A160"])
    with pytest.raises(LookupError):
        value(sample("CT_small.dcm"), deepest)
