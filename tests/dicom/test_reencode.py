"""Uncompressed data sets in another encoding, held against pydicom's reading of both."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread

from appliance.dicom import part10
from appliance.dicom.model import Origin
from appliance.dicom.reencode import (
    DEFLATED,
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    SOURCES,
    TARGETS,
    check,
    chunks,
    reencode,
)
from appliance.errors import UnreadableInstanceError
from tests.support.files import brainix, pydicom_files, shared


def stored_as(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return part10.read(file).transfer_syntax_uid
    except UnreadableInstanceError:
        return ""


def little_endian() -> list[Path]:
    candidates = [*shared("transfer-syntaxes").glob("*.dcm"), *pydicom_files(), *brainix()[:1]]
    wanted = SOURCES - {EXPLICIT_BIG}
    return [path for path in candidates if stored_as(path) in wanted and "truncated" not in path.name]


def converted(path: Path, wanted: str) -> bytes:
    with path.open("rb") as file:
        stored = part10.read(file).transfer_syntax_uid
        target = io.BytesIO()
        reencode(file, stored, target, wanted)
    return target.getvalue()


def read(data: bytes, transfer_syntax_uid: str) -> Dataset:
    head = part10.encode("1.2", "1.2", transfer_syntax_uid, Origin(via=""))
    return dcmread(io.BytesIO(head + data))


def values(dataset: Dataset) -> list[object]:
    """All values, sequences opened, but group lengths, padding, and private ones, whose VR implicit VR forgets."""
    return [
        (element.tag, [values(item) for item in element.value] if element.VR == "SQ" else element.value or None)
        for element in dataset
        if element.tag.element and element.tag != 0xFFFCFFFC and not element.tag.is_private
    ]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("wanted", TARGETS)
def test_values_are_the_same_in_the_other_encoding(wanted: str) -> None:
    paths = little_endian()
    assert len(paths) > 50
    for path in paths:
        assert values(read(converted(path, wanted), wanted)) == values(dcmread(path)), path.name


def big_and_little() -> list[tuple[Path, Path]]:
    """Images that somebody else made little-endian files of."""
    named = {path.name: path for path in pydicom_files()}
    return [
        (
            shared("transfer-syntaxes", "BigEndianExplicit_1.2.840.10008.1.2.2.dcm"),
            shared("transfer-syntaxes", "LittleEndianExplicit_1.2.840.10008.1.2.1.dcm"),
        ),
        (named["MR_small_bigendian.dcm"], named["MR_small.dcm"]),
        (named["liver_expb_1frame.dcm"], named["liver_1frame.dcm"]),
        (named["SC_rgb_small_odd_big_endian.dcm"], named["SC_rgb_small_odd.dcm"]),
    ]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("wanted", TARGETS)
def test_big_endian_becomes_the_little_endian_of_the_same_image(wanted: str) -> None:
    for big, little in big_and_little():
        assert values(read(converted(big, wanted), wanted)) == values(dcmread(little)), big.name


def reencoded(data: bytes, stored: str, wanted: str) -> bytes:
    target = io.BytesIO()
    reencode(io.BytesIO(data), stored, target, wanted)
    return target.getvalue()


def short(group: int, element: int, vr: str, value: bytes) -> bytes:
    return struct.pack("<HH2sH", group, element, vr.encode(), len(value)) + value


def long(group: int, element: int, vr: str, value: bytes, length: int | None = None) -> bytes:
    return struct.pack("<HH2sxxI", group, element, vr.encode(), len(value) if length is None else length) + value


def implicit(group: int, element: int, value: bytes, length: int | None = None) -> bytes:
    return struct.pack("<HHI", group, element, len(value) if length is None else length) + value


UNDEFINED = 0xFFFFFFFF
SEQUENCE_END = implicit(0xFFFE, 0xE0DD, b"")
ITEM_END = implicit(0xFFFE, 0xE00D, b"")


def item(content: bytes) -> bytes:
    return implicit(0xFFFE, 0xE000, content + ITEM_END, UNDEFINED)


@pytest.mark.parametrize("open_lengths", [True, False])
def test_nested_items_are_converted_whether_their_lengths_are_open_or_not(open_lengths: bool) -> None:
    inner = short(0x0008, 0x0100, "SH", b"CODE")
    if open_lengths:
        content = implicit(0xFFFE, 0xE000, inner + ITEM_END, UNDEFINED) + SEQUENCE_END
        data = long(0x0008, 0x1110, "SQ", content, UNDEFINED)
    else:
        data = long(0x0008, 0x1110, "SQ", implicit(0xFFFE, 0xE000, inner))
    after = short(0x0010, 0x0020, "LO", b"ID")
    expected = implicit(0x0008, 0x1110, item(implicit(0x0008, 0x0100, b"CODE")) + SEQUENCE_END, UNDEFINED)
    assert reencoded(data + after, EXPLICIT_LITTLE, IMPLICIT_LITTLE) == expected + implicit(0x0010, 0x0020, b"ID")


def test_a_sequence_of_unknown_kind_holds_implicit_vr_in_an_explicit_data_set() -> None:
    content = item(implicit(0x0008, 0x0100, b"CODE")) + SEQUENCE_END
    data = long(0x0009, 0x1001, "UN", content, UNDEFINED)
    expected = long(0x0009, 0x1001, "SQ", item(short(0x0008, 0x0100, "SH", b"CODE")) + SEQUENCE_END, UNDEFINED)
    assert reencoded(data, EXPLICIT_LITTLE, EXPLICIT_LITTLE) == expected


def test_private_values_keep_their_bytes() -> None:
    data = implicit(0x0009, 0x0010, b"ACME") + implicit(0x0009, 0x1001, b"\1\2\3\4")
    expected = short(0x0009, 0x0010, "LO", b"ACME") + long(0x0009, 0x1001, "UN", b"\1\2\3\4")
    assert reencoded(data, IMPLICIT_LITTLE, EXPLICIT_LITTLE) == expected
    assert reencoded(expected, EXPLICIT_LITTLE, IMPLICIT_LITTLE) == data


@pytest.mark.parametrize(("representation", "vr"), [(0, "US"), (1, "SS")])
def test_a_value_that_may_be_signed_is_what_the_pixels_are(representation: int, vr: str) -> None:
    sign = struct.pack("<H", representation)
    data = implicit(0x0028, 0x0103, sign) + implicit(0x0028, 0x0106, b"\xff\xff")
    expected = short(0x0028, 0x0103, "US", sign) + short(0x0028, 0x0106, vr, b"\xff\xff")
    assert reencoded(data, IMPLICIT_LITTLE, EXPLICIT_LITTLE) == expected


def test_a_value_too_long_for_its_vr_becomes_unknown() -> None:
    value = b"1\\" * 40_000
    data = implicit(0x0018, 0x1063, value)
    assert reencoded(data, IMPLICIT_LITTLE, EXPLICIT_LITTLE) == long(0x0018, 0x1063, "UN", value)


def nested(depth: int) -> bytes:
    data = b""
    for _ in range(depth):
        data = implicit(0x0008, 0x1110, item(data) + SEQUENCE_END, UNDEFINED)
    return data


@pytest.mark.parametrize(
    ("data", "stored"),
    [
        (implicit(0x0010, 0x0020, b"ID", 1000), IMPLICIT_LITTLE),
        (implicit(0x0010, 0x0020, b"ID")[:-3], IMPLICIT_LITTLE),
        (b"\x08\0", IMPLICIT_LITTLE),
        (implicit(0x0008, 0x1110, b"not an item", UNDEFINED), IMPLICIT_LITTLE),
        (implicit(0x7FE0, 0x0010, item(b"") + SEQUENCE_END, UNDEFINED), IMPLICIT_LITTLE),
        (nested(100), IMPLICIT_LITTLE),
        (b"\x10\0\x20\0\x08\0\0\0IDENTITY", EXPLICIT_LITTLE),
        (struct.pack(">HH2sH", 0x0028, 0x0010, b"US", 3) + b"abc", EXPLICIT_BIG),
        (b"not deflated", DEFLATED),
        (zlib.compress(b"\x08\0" * 1000, wbits=-15)[:-5], DEFLATED),
    ],
)
def test_damage_is_told(data: bytes, stored: str) -> None:
    with pytest.raises(UnreadableInstanceError):
        reencoded(data, stored, EXPLICIT_LITTLE)
    with pytest.raises(UnreadableInstanceError):
        check(io.BytesIO(data), stored)


@pytest.mark.parametrize("stored", [IMPLICIT_LITTLE, EXPLICIT_BIG])
@pytest.mark.parametrize("length", [4096, 5000, 70_000])
def test_a_check_says_before_what_reencoding_would(stored: str, length: int) -> None:
    order = ">" if stored == EXPLICIT_BIG else "<"
    vr = b"OW\0\0" if stored == EXPLICIT_BIG else b""
    pixels = struct.pack(f"{order}HH4sI" if vr else "<HHI", 0x7FE0, 0x0010, *([vr] if vr else []), length)
    vr = b"LO\0\2" if vr else struct.pack("<I", 2)
    after = struct.pack(f"{order}HH", 0xFFFC, 0xFFFC) + vr + b"ID"
    data = pixels + bytes(length) + after
    check(io.BytesIO(data), stored)
    whole = reencoded(data, stored, EXPLICIT_LITTLE)
    assert b"".join(chunks(io.BytesIO(data), stored, EXPLICIT_LITTLE)) == whole
    for cut in (length + 10, length + len(pixels) - 1, length + len(pixels) + 1, len(data) - 1):
        with pytest.raises(UnreadableInstanceError):
            reencoded(data[:cut], stored, EXPLICIT_LITTLE)
        with pytest.raises(UnreadableInstanceError):
            check(io.BytesIO(data[:cut]), stored)


class Counting(io.BytesIO):
    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


def test_neither_a_check_nor_the_first_chunk_reads_a_large_file() -> None:
    data = implicit(0x7FE0, 0x0010, bytes(32 << 20)) + implicit(0xFFFC, 0xFFFC, b"\0\0")
    source = Counting(data)
    check(source, IMPLICIT_LITTLE)
    assert source.taken < 100
    assert source.tell() == len(data)
    source = Counting(data)
    first = next(chunks(source, IMPLICIT_LITTLE, EXPLICIT_LITTLE))
    assert len(first) <= source.taken + 100 < 3 << 20
