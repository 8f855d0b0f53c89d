"""Orders from JSON, CSV and DICOM worklist files."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from appliance.dicom.worklist import STEPS, tag_of
from appliance.worklist import item as items
from appliance.worklist import reading

_HEAD = "PatientName,PatientID,Modality,PatientBirthDate"


def test_csv_as_a_clinic_exports_it() -> None:
    head = "\ufeffpatientname;PatientID;MODALITY;PatientBirthDate"
    text = "\r\n".join((head, "Müller, Jürgen;4711;ct;1959-01-07", '"Doe;X";2;MR;', ""))
    found = reading.from_csv(text)
    assert [items.value(item, "PatientName") for item in found] == ["Müller^Jürgen", "Doe;X"]
    assert [items.value(item, "Modality") for item in found] == ["CT", "MR"]
    assert items.value(found[0], "PatientBirthDate") == "19590107"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no orders"),
        (f"{_HEAD}\n", "no orders"),
        (f"{_HEAD}\nDoe^Jane,1,CT,\n,2,CT,\nRoe^R,3,,soon\n", "line 3: PatientName is missing\n  line 4: Modality is"),
        (f"{_HEAD}\nDoe^Jane,1,CT,,more\n", "line 2: it has more values than the first line has names"),
        ("Name,PatientID\nDoe,1\n", "line 2: Name is no attribute of the worklist"),
        (f'{_HEAD}\n"Doe^Jane,1,CT\n', "is no CSV"),
    ],
)
def test_every_line_at_fault_is_named(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        reading.from_csv(text)
    assert said in str(refused.value)


def test_a_long_list_of_faults_is_cut() -> None:
    with pytest.raises(ValueError, match="and 80 more"):
        reading.from_csv(f"{_HEAD}\n" + ",,,\n" * 100)


def test_json_by_keyword_and_in_the_dicom_model() -> None:
    plain = {"PatientName": "Doe^Jane", "PatientID": 4711, "modality": "CT", "PatientWeight": 70.5, "PatientSex": None}
    model = items.made({"PatientName": "Roe^R", "PatientID": "2", "Modality": "MR"})
    found = reading.from_json(orjson.dumps([plain, model]))
    assert [items.value(item, "PatientID") for item in found] == ["4711", "2"]
    assert found[1] == model
    assert len(reading.from_json(orjson.dumps(plain))) == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"{", "this is no JSON"),
        (b"[]", "no orders"),
        (b"[1]", "order 1: an order is an object"),
        (b'[{"PatientName": {"a": 1}}]', "PatientName must be text or a number"),
        (b'[{"00400100": {"vr": "SQ"}}]', "it has no Scheduled Procedure Step Sequence"),
        (b'[{"00400100": {"vr": "SQ", "Value": [7]}}]', "the Value of 00400100 is no list"),
        (b'[{"00400100": {"vr": "SQ", "Value": [{"x": {}}]}}]', "'x' is no tag"),
        (b'[{"00400100": 1}]', "00400100 has no vr"),
        (
            b'[{"00400100": {"vr": "SQ", "Value": [{"00080060": {"vr": "US", "Value": ["CT"]}}]},'
            b' "00100020": {"vr": "LO", "Value": ["1"]}}]',
            "a value is not what its VR allows",
        ),
    ],
)
def test_every_order_at_fault_is_named(data: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        reading.from_json(data)
    assert said in str(refused.value)


def test_files_that_are_none_say_why(tmp_path: Path) -> None:
    for content, said in (
        (b"", "no Scheduled"),
        (b"hello, this is no DICOM at all", "it"),
        (b"\0" * (1 << 21), "large"),
    ):
        (tmp_path / "a.wl").write_bytes(content)
        with pytest.raises(ValueError, match=said):
            reading.from_file(tmp_path / "a.wl")


def test_what_is_private_or_large_is_left_out_of_an_item() -> None:
    item = items.made({"PatientName": "Doe^Jane", "PatientID": "1", "Modality": "CT"})
    odd = {"00091001": {"vr": "LO"}, "00080005": {"vr": "CS"}, "00420011": {"vr": "OB", "BulkDataURI": ""}}
    step = item[tag_of(STEPS)]["Value"][0]
    step["00091001"] = {"vr": "LO"}
    read = reading.from_model(item | odd)
    assert not odd.keys() & read.keys()
    assert "00091001" not in read[tag_of(STEPS)]["Value"][0]
