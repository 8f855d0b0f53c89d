"""What was set aside, as staff see it."""

from __future__ import annotations

from pathlib import Path

from pydicom import dcmread

from appliance.box import Box
from tests.cli.conftest import Pacsbox
from tests.support.files import PYDICOM
from tests.support.indexing import stock

SOURCE = PYDICOM / "test_files" / "CT_small.dcm"


def changed(to: Path, **values: str) -> Path:
    dataset = dcmread(SOURCE)
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.save_as(to)
    return to


def test_a_conflict_is_told_with_what_it_is_and_what_is_here(pacsbox: Pacsbox, box: Box, tmp_path: Path) -> None:
    same = changed(tmp_path / "same.dcm", PatientName="Roe^Ann", PatientID="12", PatientBirthDate="19700102")
    other = changed(tmp_path / "other.dcm", PatientName="Poe^Eve", PatientID="13", SOPInstanceUID="1.2.3.4")
    stock(box, SOURCE, same, other)
    told = pacsbox("conflicts").stdout.splitlines()
    (study,) = pacsbox("studies").stdout.splitlines()
    here = "    here is CompressedSamples, CT1 (1CT1), born unknown: 20040119 CT e+1, from MODALITY"
    assert told[0].endswith("we have another image of the same identity")
    assert told[1:3] == ["    it is Roe, Ann (12), born 19700102: 20040119 CT e+1, from MODALITY", here]
    assert told[3].endswith("its study belongs to another patient")
    assert told[4:] == ["    it is Poe, Eve (13), born unknown: 20040119 CT e+1, from MODALITY", here]
    assert study.endswith("CompressedSamples, CT1 (1CT1)  born unknown  20040119  CT  e+1  1 image")
    assert pacsbox("conflicts", "--discard", told[0].split()[0]).stdout.endswith("is deleted.\n")
    assert len(pacsbox("conflicts").stdout.splitlines()) == 3


def test_nothing_found_is_said(pacsbox: Pacsbox) -> None:
    assert pacsbox("studies").stderr == "There are no studies yet.\n"
    assert pacsbox("studies", "doe").stderr == "There is no such study.\n"
    assert pacsbox("conflicts").stdout == "There is nothing.\n"


def test_a_rejected_file_is_told_with_what_can_be_read_of_it(pacsbox: Pacsbox, box: Box, tmp_path: Path) -> None:
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(SOURCE.read_bytes()[:600])
    stock(box, cut)
    assert pacsbox("rejected").stdout.splitlines()[1] == "    it is no image that can be read"
