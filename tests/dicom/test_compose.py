"""Metadata and bulk data made into one file."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import orjson
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.encaps import parse_basic_offsets

from appliance.dicom.compose import Fault, NotComposedError, composed
from appliance.dicom.encapsulate import Piece
from tests.support.files import PYDICOM

PIXELS: dict[str, Any] = {
    "00080016": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.7"]},
    "00080018": {"vr": "UI", "Value": ["1.2.3"]},
    "00280002": {"vr": "US", "Value": [1]},
    "00280004": {"vr": "CS", "Value": ["MONOCHROME2"]},
    "00280010": {"vr": "US", "Value": [2]},
    "00280011": {"vr": "US", "Value": [2]},
    "00280100": {"vr": "US", "Value": [8]},
    "00280101": {"vr": "US", "Value": [8]},
    "00280102": {"vr": "US", "Value": [7]},
    "00280103": {"vr": "US", "Value": [0]},
}
BULK = {"7FE00010": {"vr": "OW", "BulkDataURI": "pixels"}}


def piece(data: bytes, kind: str = "", syntax: str = "") -> Piece:
    def read() -> Iterator[bytes]:
        for start in range(0, len(data), 1000):
            yield data[start : start + 1000]

    return Piece(kind, syntax, len(data), read)


def made(model: Any, *pieces: Piece) -> pydicom.FileDataset:
    return pydicom.dcmread(BytesIO(b"".join(composed(model, lambda uri: pieces if uri == "pixels" else ()))))


def test_text_is_utf_8_whatever_the_metadata_said() -> None:
    model = {"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Müller", "Ideographic": "山田"}]}}
    for said in ({}, {"00080005": {"vr": "CS", "Value": ["ISO_IR 100"]}}):
        dataset = made(model | said)
        assert dataset.SpecificCharacterSet == "ISO_IR 192"
        assert dataset.PatientName == "Müller=山田"
    assert "SpecificCharacterSet" not in made({"00100020": {"vr": "LO", "Value": ["plain"]}})


def test_what_is_not_of_the_data_set_is_left_out() -> None:
    said = {"vr": "UI", "Value": ["1.2.840.10008.1.2.4.50"]}
    dataset = made({"00083002": said, "00020010": said, "00080000": {"vr": "UL", "Value": [4]}})
    assert len(dataset) == 0
    assert dataset.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"


def test_bulk_data_may_be_anywhere() -> None:
    inner = {"54001010": {"vr": "OW", "BulkDataURI": "pixels"}}
    dataset = made({"54000100": {"vr": "SQ", "Value": [{"00080018": {"vr": "UI"}}, inner, None]}}, piece(b"123"))
    assert dataset.WaveformSequence[1].WaveformData == b"123\0"
    assert len(dataset.WaveformSequence) == 3
    text = made({"00104000": {"vr": "LT", "BulkDataURI": "pixels"}}, piece(b"a" * 70_001))
    assert bytes(text.get_item(0x00104000).value) == b"a" * 70_001 + b" "


def test_frames_are_fragments_with_a_table_of_where_they_begin() -> None:
    model = PIXELS | BULK | {"00280008": {"vr": "IS", "Value": [3]}}
    dataset = made(model, *(piece(b"x" * size, "image/jls") for size in (1, 4, 2001)))
    assert parse_basic_offsets(dataset.PixelData) == [0, 10, 22]
    assert dataset["PixelData"].VR == "OB"


def test_a_film_is_in_fragments_that_lengths_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.dicom.encapsulate._FRAGMENT", 4000)
    dataset = made(PIXELS | BULK | {"00280008": {"vr": "IS", "Value": [90]}}, piece(b"v" * 9001, "video/mp4"))
    lengths, data = [], dataset.PixelData[8:]
    while data[:4] == b"\xfe\xff\x00\xe0":
        (length,) = struct.unpack("<I", data[4:8])
        lengths.append(length)
        data = data[8 + length :]
    assert lengths == [4000, 4000, 1002]


def test_frames_that_came_in_several_uncompressed_parts_are_joined() -> None:
    assert (
        made(
            PIXELS | BULK, piece(b"12", "application/octet-stream"), piece(b"34", "application/octet-stream")
        ).PixelData
        == b"1234"
    )


@pytest.mark.parametrize(
    ("model", "fault"),
    [
        ({"x": {"vr": "LO"}}, Fault.MEANINGLESS),
        ({"00100020": 5}, Fault.MEANINGLESS),
        ({"00100020": {"vr": "LOL"}}, Fault.MEANINGLESS),
        ({"00100020": {"vr": "LO", "Value": [{}]}}, Fault.MEANINGLESS),
        ({"00081140": {"vr": "SQ", "Value": "abc"}}, Fault.MEANINGLESS),
        ({"00104000": {"vr": "LT", "BulkDataURI": ["pixels"]}}, Fault.MEANINGLESS),
        ({"7FE00010": {"vr": "OW", "InlineBinary": "AAAA"}}, Fault.INCOMPLETE),
        (PIXELS | BULK | {"00280008": {"vr": "IS", "Value": [2]}}, Fault.INCOMPLETE),
    ],
)
def test_what_cannot_be_an_instance_is_refused_without_a_word_of_its_values(model: Any, fault: Fault) -> None:
    with pytest.raises(NotComposedError) as told:
        made(model, piece(b"1", "image/jpeg"))
    assert told.value.fault is fault
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("depth", [65, 400])
def test_endless_nesting_is_refused(depth: int) -> None:
    model: Any = {}
    for _ in range(depth):
        model = {"00081140": {"vr": "SQ", "Value": [model]}}
    with pytest.raises(NotComposedError, match="nested"):
        made(model)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["pixels", "nan"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["vr", "Value", "BulkDataURI", "InlineBinary", "Alphabetic", "00080018"]), inner
        )
    ),
    max_leaves=8,
)
TAGS = st.sampled_from([*PIXELS, "7FE00010", "00100010", "00081140", "00080005", "00280008", "00020010"]) | st.text()
VRS = st.sampled_from("AE AT CS DA DS FD IS LO OB OW PN SQ SV UI UN US UT XX".split())
MEMBERS = JUNK | st.fixed_dictionaries({"vr": VRS, "Value": st.lists(JUNK, max_size=3)})


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(TAGS, MEMBERS, max_size=8), st.booleans())
def test_whatever_comes_is_made_or_refused(model: Any, described: bool) -> None:
    try:
        read = orjson.loads(orjson.dumps(model))
    except (TypeError, ValueError):
        return
    try:
        b"".join(composed((PIXELS if described else {}) | read, lambda _: (piece(b"123", "image/jpeg"),)))
    except NotComposedError as fault:
        assert "\n" not in str(fault)


def test_what_pydicom_says_of_a_file_comes_back() -> None:
    before = pydicom.dcmread(PYDICOM / "test_files" / "CT_small.dcm")
    model = before.to_json_dict(bulk_data_threshold=5000, bulk_data_element_handler=lambda _: "pixels")
    after = made(model, piece(before.PixelData))
    del before[0xFFFCFFFC]
    del after[0xFFFCFFFC]
    assert {each.tag for each in before if each != after.get(each.tag)} <= {0x00080005}
