"""What a hostile file may cost, by whichever reader: values beyond a measure stay in the file, and are found there."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from appliance.dicom import bulkdata, elements, header, json, part10, tolerant
from appliance.dicom.model import Origin
from appliance.errors import UnreadableInstanceError
from tests.support.datasets import Element, Item, encoded

EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
CLASS = "1.2.840.10008.5.1.4.1.1.7"
SEQUENCE = 0x00400275
BEFORE = (Element(0x00080016, "UI", CLASS.encode() + b"\0"), Element(0x00080018, "UI", b"1.2.3.4\0"))
UIDS = (Element(0x0020000D, "UI", b"1.2.3\0"), Element(0x0020000E, "UI", b"1.2.3.1\0"))
LATE = (Element(0x00080005, "CS", b"ISO_IR 100"),)
"""A character set behind others, which the lean reader leaves to pydicom."""


@pytest.fixture(params=["lean", "tolerant"])
def odd(request: pytest.FixtureRequest) -> Iterator[Sequence[Element]]:
    yield LATE if request.param == "tolerant" else ()


def written(folder: Path, *found: Element, syntax: str = EXPLICIT) -> Path:
    path = folder / "made.dcm"
    head = part10.encode(CLASS, "1.2.3.4", syntax, Origin(via=""))
    path.write_bytes(head + encoded(found, implicit=syntax == IMPLICIT))
    return path


def model(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(header.read(path).metadata)
    return found


def wide(vr: str, value: bytes, count: int) -> tuple[Element, ...]:
    return tuple(Element(0x00211001 + (number << 17), vr, value) for number in range(count))


def test_beyond_a_measure_values_stay_in_the_file_unless_they_are_tiny(
    tmp_path: Path, odd: Sequence[Element], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elements, "MOST_INLINE", 2000)
    monkeypatch.setattr(tolerant.json, "Room", partial(json.Room, 2000))
    text, tiny = b"said " * 40, b"tiny"
    items = tuple(Item((Element(0x00081030, "LO", text), Element(0x00102000, "LO", tiny))) for _ in range(20))
    described = Element(0x00081030, "LO", b"Brain " * 10)
    after = Element(0x00400275 + 0x10000000, "SQ", items=items)
    path = written(tmp_path, *BEFORE, *odd, described, *UIDS, Element(SEQUENCE, "SQ", items=items), after)
    found = model(path)
    assert found["00081030"]["Value"] == ["Brain " * 9 + "Brain"]
    told = [item["00081030"] for item in found["00400275"]["Value"]]
    assert told[0]["Value"] == [text.decode().strip()]
    assert "BulkDataURI" in told[-1]
    assert all(item["00102000"]["Value"] == ["tiny"] for item in found["00400275"]["Value"])
    for place, item in enumerate(told):
        if "BulkDataURI" in item:
            where = item["BulkDataURI"].partition("/bulkdata/")[2]
            assert where == f"00400275/{place}/00081030"
            assert b"".join(bulkdata.value(path, where).chunks()) == text
    assert all("BulkDataURI" in item["00081030"] for item in found["10400275"]["Value"])


def test_more_than_that_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elements, "MOST_INLINE", 2000)
    monkeypatch.setattr(elements, "MOST_METADATA", 9000)
    path = written(tmp_path, *BEFORE, *UIDS, *wide("LO", b"x" * 200, 15))
    assert len(header.read(path).metadata) < 9000
    path = written(tmp_path, *BEFORE, *UIDS, *wide("LO", b"x" * 200, 40))
    with pytest.raises(UnreadableInstanceError, match="its metadata are more than"):
        header.read(path)


@pytest.mark.parametrize(
    ("vr", "value"),
    [
        ("DS", b"1\\" * 32_767),
        ("IS", b"1\\" * 32_767),
        ("FL", b"\1\2\3\4" * 16_383),
        ("US", b"\1\2" * 32_767),
        ("LO", b"1\\" * 32_767),
        ("UT", b"\1" * 250_000),
    ],
)
def test_many_long_values_cost_little(tmp_path: Path, odd: Sequence[Element], vr: str, value: bytes) -> None:
    path = written(tmp_path, *BEFORE, *odd, *UIDS, *wide(vr, value, (10 << 20) // len(value)))
    tracemalloc.start()
    found = header.read(path).metadata
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) < elements.MOST_INLINE + (2 << 20)
    assert peak < 110 << 20
    started = time.process_time()
    header.read(path)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(("tag", "vr"), [(0x00200013, "IS"), (0x00081030, "LO"), (0x00100010, "PN")])
def test_an_indexed_value_of_megabytes_is_none(tmp_path: Path, tag: int, vr: str) -> None:
    ours = Element(tag, vr, b"1\\" * (4 << 20))
    found = sorted((*BEFORE, ours, *UIDS), key=lambda each: each.tag)
    tracemalloc.start()
    read = header.read(written(tmp_path, *found, syntax=IMPLICIT))
    assert tracemalloc.get_traced_memory()[1] < 64 << 20
    tracemalloc.stop()
    kept = {**read.study, **read.series, **read.instance}
    assert not {kept[name] for name in ("instance_number", "study_description", "patient_name")} - {""}
    assert "BulkDataURI" in orjson.loads(read.metadata)[f"{tag:08X}"]
