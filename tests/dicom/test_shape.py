"""The shape of a data set: counted and measured without reading it."""

from __future__ import annotations

import struct
from contextlib import suppress
from io import BytesIO
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

from appliance.dicom import shape
from appliance.dicom.json import Json
from appliance.dicom.repertoire import ANY
from appliance.dicom.shape import MAX_DEPTH
from appliance.dicom.write import from_json, writer
from appliance.dimse.received import _UNREADABLE
from appliance.errors import UnreadableInstanceError
from tests.support.files import pydicom_files
from tests.support.items import ITEM
from tests.support.receiving import instance

IMPLICIT, EXPLICIT, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
UNDEFINED = 0xFFFFFFFF
TAGS = ((0x0040, 0x0275), (0x0009, 0x0101), (0x0009, 0x1001), (0x0008, 0x1140), (0x7FE0, 0x0010), (0x0008, 0x0050))
ITEM_TAG, ITEM_END, SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0\0\0\0\0", b"\xfe\xff\xdd\xe0\0\0\0\0"


def check(data: bytes, syntax: str, most: int = 1000) -> None:
    shape.check(data, explicit=writer(syntax).explicit, order=writer(syntax).order, most=most)


def count(model: Json) -> int:
    items = [item for element in model.values() if element["vr"] == "SQ" for item in element.get("Value", ())]
    return len(model) + sum(1 + count(item) for item in items)


def sequence(syntax: str, content: bytes, *, delimited: bool) -> bytes:
    """Of one item with `content`."""
    head = b"\x40\x00\x75\x02" + (b"SQ\0\0" if syntax == EXPLICIT else b"")
    if delimited:
        length = struct.pack("<I", UNDEFINED)
        return head + length + ITEM_TAG + length + content + ITEM_END + SEQUENCE_END
    item = ITEM_TAG + struct.pack("<I", len(content)) + content
    return head + struct.pack("<I", len(item)) + item


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG])
def test_elements_and_items_are_counted_at_all_levels(syntax: str) -> None:
    data = writer(syntax).data_set(from_json(ITEM), ANY)
    has = count(ITEM) + 1  # the character set, which JSON does not have
    check(data, syntax, has)
    with pytest.raises(ValueError, match=f"more than {has - 1} elements"):
        check(data, syntax, has - 1)


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT])
@pytest.mark.parametrize("delimited", [True, False])
def test_sequences_go_down_to_a_depth_that_is_never_honest(syntax: str, delimited: bool) -> None:
    data = b""
    for _ in range(MAX_DEPTH):
        data = sequence(syntax, data, delimited=delimited)
    check(data + data, syntax)
    with pytest.raises(ValueError, match="deep"):
        check(data + sequence(syntax, data, delimited=delimited), syntax)


def test_sequences_side_by_side_are_not_deep() -> None:
    for delimited in (True, False):
        check(sequence(EXPLICIT, b"", delimited=delimited) * (2 * MAX_DEPTH), EXPLICIT)


def test_items_of_another_encoding_are_counted_too() -> None:
    inside = struct.pack("<HHI", 0x0008, 0x0050, 2) + b"A1"
    data = sequence(EXPLICIT, inside * 10, delimited=False)
    check(data, EXPLICIT, 12)
    with pytest.raises(ValueError, match="more than 11 elements"):
        check(data, EXPLICIT, 11)


def test_what_is_odd_is_left_to_who_reads_it() -> None:
    """Padding, values that are cut short, one encoding under the other's name: peers send them, and are answered."""
    explicit = struct.pack("<HH2sH", 0x0008, 0x0050, b"SH", 2) + b"A1"
    implicit = struct.pack("<HHI", 0x0008, 0x0050, 2) + b"A1"
    for data in (explicit, implicit):
        for end in range(len(data)):
            for syntax in (EXPLICIT, IMPLICIT):
                check(data + data[:end], syntax)
        for count in range(1, 20):
            check(data + bytes(count), EXPLICIT)


@pytest.mark.parametrize("head", [b"\x09\x00\x10\x01SQ\0\0", b"\x09\x00\x01\x10UN\0\0", b"\x09\x00\x01\x10SQ\0\0"])
@pytest.mark.parametrize("delimited", [True, False])
def test_private_sequences_are_looked_into(head: bytes, delimited: bool) -> None:
    item = struct.pack("<HHI", 0x0008, 0x0050, 2) + b"A1"
    if delimited:
        data = head + b"\xff" * 4 + ITEM_TAG + b"\xff" * 4 + item + ITEM_END + SEQUENCE_END
    else:
        data = head + struct.pack("<I", 8 + len(item)) + ITEM_TAG + struct.pack("<I", len(item)) + item
    check(data, EXPLICIT, 5 if delimited else 3)
    with pytest.raises(ValueError, match="more than 2 elements"):
        check(data, EXPLICIT, 2)


def test_whatever_pydicom_takes_for_a_sequence_is_not_deep() -> None:
    """UN with a tag of the dictionary's sequences, a private SQ, and one in a group that no data set has."""
    for head in (b"\x40\x00\x75\x02UN\0\0", b"\x09\x00\x01\x01SQ\0\0", b"\x02\x00\x01\x01SQ\0\0"):
        data = b""
        for _ in range(MAX_DEPTH + 1):
            item = ITEM_TAG + struct.pack("<I", len(data)) + data
            data = head + struct.pack("<I", len(item)) + item
        with pytest.raises(ValueError, match="deep"):
            check(data, EXPLICIT)


def test_a_value_without_length_that_is_no_sequence_is_none() -> None:
    data = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, UNDEFINED) + ITEM_TAG + bytes(4) + SEQUENCE_END
    with pytest.raises(ValueError, match="without length"):
        check(data, EXPLICIT)


def test_no_real_data_set_is_refused() -> None:
    looked_at, odd = 0, []
    for path in pydicom_files():
        try:
            meta, data = instance(path)
        except UnreadableInstanceError:
            continue
        if meta.transfer_syntax_uid in (IMPLICIT, EXPLICIT, BIG):
            looked_at += 1
            try:
                check(data, meta.transfer_syntax_uid, 10_000)
            except ValueError:
                odd.append(path.name)
    assert looked_at > 40
    assert odd == ["rtplan_truncated.dcm"]


@pytest.mark.filterwarnings("ignore")  # pydicom's, of each oddity
@settings(deadline=None, max_examples=300)
@given(st.integers(0, 1 << 32))
def test_pydicom_never_makes_more_of_it_than_was_seen(seed: int) -> None:
    data, implicit = _made(Random(seed))
    try:
        dataset = read_dataset(BytesIO(data), implicit, True, bytelength=len(data))
        elements, depth = _counted(dataset)
    except _UNREADABLE:
        return
    assume(depth <= MAX_DEPTH)
    with suppress(ValueError):  # of what is refused, nobody is to know more
        shape.check(data, explicit=not implicit, order="<", most=1000)
        if elements:
            with pytest.raises(ValueError, match="more than"):
                shape.check(data, explicit=not implicit, order="<", most=elements - 1)


def _counted(dataset: Dataset) -> tuple[int, int]:
    elements, depth = len(dataset), 0
    for tag in list(dataset.keys()):
        try:
            element = dataset[tag]
        except _UNREADABLE:
            continue
        for item in element.value or () if element.VR == "SQ" else ():
            within, deep = _counted(item)
            elements, depth = elements + 1 + within, max(depth, 1 + deep)
    return elements, depth


def _made(chance: Random) -> tuple[bytes, bool]:
    """A few elements, some of them sequences, some of them wrong; and whether they are to be read as Implicit VR."""
    implicit = chance.random() < 0.4
    data = b"".join(_element(chance, 0, implicit) for _ in range(chance.randrange(1, 5)))
    return data, implicit if chance.random() < 0.9 else not implicit


def _element(chance: Random, depth: int, implicit: bool) -> bytes:
    head = struct.pack("<HH", *chance.choice(TAGS))
    if depth < 4 and chance.random() < 0.5:
        other = chance.random() < 0.2
        body = b"".join(_item(chance, depth + 1, implicit ^ other) for _ in range(chance.randrange(3)))
    else:
        body = chance.randbytes(2 * chance.randrange(6)) if chance.random() < 0.5 else b"1.2 " * chance.randrange(4)
    delimited = chance.random() < 0.3
    length = UNDEFINED if delimited else len(body) + chance.choice([0] * 20 + [-2, 2, 8])
    body += SEQUENCE_END if delimited else b""
    if implicit:
        return head + struct.pack("<I", max(0, length)) + body
    vr = chance.choice([b"SQ", b"UN", b"LO", b"OB", b"UI", b"US", b"UT"])
    if vr in (b"SQ", b"UN", b"OB", b"UT"):
        return head + vr + struct.pack("<HI", 0, max(0, length)) + body
    return head + vr + struct.pack("<H", min(max(0, length), 0xFFFE)) + body


def _item(chance: Random, depth: int, implicit: bool) -> bytes:
    body = b"".join(_element(chance, depth, implicit) for _ in range(chance.randrange(4)))
    if chance.random() < 0.4:
        return ITEM_TAG + struct.pack("<I", UNDEFINED) + body + ITEM_END
    return ITEM_TAG + struct.pack("<I", len(body)) + body
