"""The Native DICOM Model beside dcmtk's own."""

from __future__ import annotations

import subprocess
from xml.etree import ElementTree

import pytest
from pydicom import dcmread

from appliance.dicom.json import encode
from appliance.dicom.xml import native
from tests.support.files import PYDICOM

_SAME_TEXT = frozenset("AE AS CS DA LO LT PN SH ST TM UI UL US SL SS UT AT".split())
Told = dict[str, tuple[str, list[tuple[str, str]]]]


def told(document: ElementTree.Element) -> Told:
    """VR, and what stands within, by the place of each attribute."""
    found: Told = {}

    def walk(element: ElementTree.Element, place: str) -> None:
        for attribute in element:
            here = f"{place}/{attribute.get('tag')}"
            inner = [(_bare(each), (each.text or "").strip()) for each in attribute.iter() if (each.text or "").strip()]
            found[here] = (attribute.get("vr", ""), inner)
            for item in attribute:
                if _bare(item) == "Item":
                    walk(item, f"{here}/{item.get('number')}")

    walk(document, "")
    return found


def _bare(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


@pytest.mark.parametrize("name", ["CT_small.dcm", "rtplan.dcm", "MR_small.dcm", "test-SR.dcm"])
def test_it_says_what_dcmtk_says(name: str) -> None:
    path = PYDICOM / "test_files" / name
    theirs = told(
        ElementTree.fromstring(
            subprocess.run(["dcm2xml", "--native-format", path], capture_output=True, check=True, timeout=60).stdout
        )
    )
    ours = told(ElementTree.fromstring(native(encode(dcmread(path), lambda at: f"studies/x/{at}"))))
    compared = 0
    for place, (vr, content) in theirs.items():
        group = int(place.rpartition("/")[2][:4], 16)
        if group == 2 or group % 2 or vr not in _SAME_TEXT or place not in ours:
            continue
        assert ours[place][0] == vr, place
        assert ours[place][1] == content, place
        compared += 1
    assert compared > 20


def test_text_is_escaped_and_what_xml_forbids_is_left_out() -> None:
    model = {
        "00081030": {"vr": "LO", "Value": ["<b>&\x07\x1b", None, "x"]},
        "00090010": {"vr": "LO", "Value": ['A"B']},
        "00091001": {"vr": "UN", "InlineBinary": "AAE="},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane", "Ideographic": "山田^太郎"}]},
        "00400275": {"vr": "SQ", "Value": [{"00400009": {"vr": "SH"}}]},
        "7FE00010": {"vr": "OW", "BulkDataURI": "/x?a&b"},
    }
    document = ElementTree.fromstring(native(model))
    found = told(document)
    assert found["/00081030"][1] == [("Value", "<b>&"), ("Value", "x")]
    assert [value.get("number") for value in document[0]] == ["1", "3"]
    assert document[2].attrib == {"tag": "00091001", "vr": "UN", "privateCreator": 'A"B'}
    assert ("FamilyName", "山田") in found["/00100010"][1]
    assert found["/00400275/1/00400009"] == ("SH", [])
    assert document[5][0].attrib == {"uri": "/x?a&b"}
