"""The shape of a data set: counted and measured without reading it."""

from __future__ import annotations

import struct

import pytest

from appliance.dicom import shape
from appliance.dicom.json import Json
from appliance.dicom.repertoire import ANY
from appliance.dicom.shape import MAX_DEPTH
from appliance.dicom.write import from_json, writer
from tests.support.items import ITEM

IMPLICIT, EXPLICIT, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
UNDEFINED = 0xFFFFFFFF
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


def test_what_ends_early_is_none() -> None:
    data = struct.pack("<HH2sH", 0x0008, 0x0050, b"SH", 2) + b"A1"
    for end in range(1, len(data)):
        with pytest.raises(ValueError, match="ends within an element"):
            check(data[:end], EXPLICIT)
    check(b"", EXPLICIT)


def test_a_value_without_length_that_is_no_sequence_is_none() -> None:
    data = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, UNDEFINED) + ITEM_TAG + bytes(4) + SEQUENCE_END
    with pytest.raises(ValueError, match="without length"):
        check(data, EXPLICIT)
