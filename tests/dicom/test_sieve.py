"""The few elements that a picture needs, found without pydicom, are those that pydicom finds."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian

from appliance.dicom import part10
from appliance.dicom.kinds import Unsure
from appliance.dicom.pixels.render import _KEYWORDS
from appliance.dicom.sieve import sieve
from appliance.dicom.source import NothingToShowError, opened
from tests.support.files import PYDICOM

_WANTED = frozenset((0x00280010, 0x00283010))
_LOCATED = frozenset((0x7FE00010,))


def encoded(dataset: Dataset, implicit: bool) -> bytes:
    buffer = BytesIO()
    dcmwrite(buffer, dataset, implicit_vr=implicit, little_endian=True)
    return buffer.getvalue()


def made() -> Dataset:
    """With sequences of undefined length, one of them wanted, one in the other."""
    inner, outer, dataset = Dataset(), Dataset(), Dataset()
    inner.LUTDescriptor, inner.LUTExplanation = [1, 0, 16], "inner"
    inner.is_undefined_length_sequence_item = True
    outer.Modality, outer.VOILUTSequence = "CT", Sequence([inner])
    outer.VOILUTSequence.is_undefined_length = True
    outer.is_undefined_length_sequence_item = True
    dataset.ReferencedStudySequence, dataset.VOILUTSequence = Sequence([outer]), Sequence([inner])
    for keyword in ("ReferencedStudySequence", "VOILUTSequence"):
        dataset[keyword].is_undefined_length = True
    dataset.PatientID, dataset.Rows, dataset.Columns = "someone", 3, 4
    dataset.add_new(0x7FE00010, "OW", b"\1\2\3\4")
    return dataset


@pytest.mark.parametrize("implicit", [True, False])
def test_wanted_elements_are_kept_and_pixels_located(implicit: bool) -> None:
    data = encoded(made(), implicit)
    found = sieve(data, implicit, _WANTED, _LOCATED, 0x7FE00010)
    (pixels,) = found.located
    assert data[pixels.offset : pixels.offset + pixels.length] == b"\1\2\3\4"
    header = read_dataset(BytesIO(found.wanted), implicit, True)
    assert {int(element.tag) for element in header} == _WANTED
    assert header.Rows == 3
    assert header.VOILUTSequence[0].LUTExplanation == "inner"


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda data: data[:-20],
        lambda data: b"\x08\x00\x60\x00??\x02\x00CT" + data,
        lambda data: b"\xfe\xff\x0d\xe0UL\x00\x00" + data,
    ],
)
def test_what_is_odd_is_left_to_others(spoilt: object) -> None:
    with pytest.raises(Unsure):
        sieve(spoilt(encoded(made(), False)), False, _WANTED, _LOCATED, 0x7FE00010)  # type: ignore[operator]


def every() -> list[Path]:
    return sorted(path for path in PYDICOM.rglob("*.dcm") if path.stat().st_size < 1 << 20)


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_headers_of_real_files_are_as_pydicom_reads_them() -> None:
    compared = 0
    for path in every():
        try:
            with opened(path, _KEYWORDS) as source:
                ours = source.header
                meta = part10.read(BytesIO(path.read_bytes()))
        except (NothingToShowError, ValueError):
            continue
        theirs = dcmread(path, specific_tags=[*_KEYWORDS], force=True, stop_before_pixels=True)
        for element in ours:
            assert element == theirs[element.tag], path.name
        assert {e.tag for e in ours} == {e.tag for e in theirs if e.tag.group != 2}, path.name
        assert source.syntax == meta.transfer_syntax_uid
        compared += 1
    assert compared > 60


def test_a_header_longer_than_usual_is_read_all_the_same(tmp_path: Path) -> None:
    dataset = made()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = UID("1.2.840.10008.5.1.4.1.1.2")
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = UID("1.2.3")
    dataset.add_new(0x00090010, "LO", "pacsbox test")
    dataset.add_new(0x00091001, "OB", bytes(1 << 19))
    dataset.save_as(tmp_path / "long.dcm", enforce_file_format=True)
    with opened(tmp_path / "long.dcm", ("Rows",)) as source:
        assert source.header.Rows == 3
        assert source.pixels is not None
        assert source.pixels.length == 4
