"""The DICOM JSON model of a pydicom data set."""

from __future__ import annotations

import io
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.filereader import dcmread

from appliance.dicom import json, part10
from appliance.dicom.model import Origin
from tests.support.datasets import Element, Item, encoded


def read(*elements: Element) -> Dataset:
    """These elements as pydicom reads them, the long ones later."""
    head = part10.encode("1.2.3", "1.2.3.4", "1.2.840.10008.1.2.1", Origin(via=""))
    return dcmread(io.BytesIO(head + encoded(elements)), defer_size=1024)


def model(*elements: Element) -> dict[str, Any]:
    return json.encode(read(*elements), lambda path: f"here/{path}")


def test_values_are_lists_and_empty_ones_are_absent() -> None:
    found = model(Element(0x00080008, "CS", b"ORIGINAL\\\\AXIAL\\"), Element(0x00080050, "SH"))
    assert found == {"00080008": {"vr": "CS", "Value": ["ORIGINAL", None, "AXIAL"]}, "00080050": {"vr": "SH"}}


def test_numbers_that_json_has_no_word_for_are_text() -> None:
    assert model(Element(0x00091001, "FD", b"\0\0\0\0\0\0\xf0\x7f"))["00091001"]["Value"] == ["inf"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "element",
    [
        Element(0x00200013, "IS", b"9" * 24),
        Element(0x00200013, "IS", b"first"),
        Element(0x00180050, "DS", b"thick"),
        Element(0x00280010, "US", b"\0\1\2"),
        Element(0x00091001, "XX", b"ab"),
        Element(0x00091001, "XX"),
    ],
    ids=lambda element: f"{element.vr} {element.value[:5]!r}",
)
def test_what_its_vr_forbids_is_left_out_and_hides_nothing(element: Element) -> None:
    found = model(element, Element(0x00400009, "SH", b"step"))
    assert found == {f"{element.tag:08X}": {"vr": element.vr}, "00400009": {"vr": "SH", "Value": ["step"]}}


@pytest.mark.parametrize(
    ("vr", "size", "inline"), [("OB", 1024, True), ("OB", 1026, False), ("UT", 1 << 18, True), ("UT", 1 << 19, False)]
)
def test_long_values_are_elsewhere(vr: str, size: int, inline: bool) -> None:
    found = model(Element(0x00091001, vr, b"x" * size))["00091001"]
    assert found.get("BulkDataURI") == (None if inline else "here/00091001")
    assert found["vr"] == vr


def test_palettes_stay_for_the_viewers_that_never_fetch_them() -> None:
    assert "InlineBinary" in model(Element(0x00281201, "OW", bytes(131072)))["00281201"]


@pytest.mark.parametrize(
    ("tag", "size", "inline"),
    [(0x60003000, 1 << 15, True), (0x601E3000, 1 << 18, True), (0x60003000, 1 << 19, False), (0x60013000, 2000, False)],
)
def test_overlays_stay_if_they_are_not_huge(tag: int, size: int, inline: bool) -> None:
    assert ("InlineBinary" in model(Element(tag, "OW", bytes(size)))[f"{tag:08X}"]) == inline


def test_the_path_leads_through_sequences() -> None:
    item = Item((Element(0x00189999, "OB", bytes(2000)),))
    found = model(Element(0x00540016, "SQ", items=(Item(()), item)))
    assert found["00540016"]["Value"][1]["00189999"]["BulkDataURI"] == "here/00540016/1/00189999"


def test_person_names_have_groups() -> None:
    assert json.person_name("Yamada^Tarou=\u5c71\u7530^\u592a\u90ce") == {
        "Alphabetic": "Yamada^Tarou",
        "Ideographic": "\u5c71\u7530^\u592a\u90ce",
    }
    assert json.person_name("^^=") is None
