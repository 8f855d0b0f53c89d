"""Foreign files: bombs, lies and damage end as one error with a sentence."""

from __future__ import annotations

import random
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless, RLELossless

from appliance.dicom import inflate
from appliance.dicom.pixels import NothingToShowError, Window, presets, render, thumbnail
from tests.support.files import PYDICOM, shared
from tests.support.pictures import picture, rendered, write

TEST_FILES = PYDICOM / "test_files"
SQUARE = np.zeros((16, 16), np.uint8)


def _refusal(path: Path) -> str:
    with pytest.raises(NothingToShowError) as refusal:
        render(path)
    return str(refusal.value)


def test_more_pixels_than_anyone_could_look_at(tmp_path: Path) -> None:
    assert "too large to show: 65535 x 65535" in _refusal(picture(tmp_path / "a", SQUARE, Rows=65535, Columns=65535))


@pytest.mark.parametrize(
    ("name", "syntax"),
    [
        ("SC_rgb_jpeg_dcmtk.dcm", JPEGBaseline8Bit),
        ("SC_rgb_jls_lossy_line.dcm", JPEGLSLossless),
        ("SC_rgb_gdcm_KY.dcm", JPEG2000Lossless),
    ],
)
def test_codestream_of_another_size_than_the_header_says(tmp_path: Path, name: str, syntax: str) -> None:
    stream = get_frame(pydicom.dcmread(TEST_FILES / name).PixelData, 0)
    file = picture(tmp_path / "a", np.zeros((16, 16, 3), np.uint8), syntax, PixelData=encapsulate([stream]))
    assert "picture is 100 x 100 x 3, its header says 16 x 16 x 3" in _refusal(file)


def test_run_lengths_that_unpack_to_too_little_or_nothing(tmp_path: Path) -> None:
    header = (1).to_bytes(4, "little") + (64).to_bytes(4, "little") + bytes(56)
    short = picture(tmp_path / "a", SQUARE, RLELossless, PixelData=encapsulate([header + b"\x03abcd\0"]))
    empty = picture(tmp_path / "b", SQUARE, RLELossless, PixelData=encapsulate([header]))
    assert "too short" in _refusal(short)
    assert "empty" in _refusal(empty)


def test_run_lengths_that_unpack_to_too_much_are_cut(tmp_path: Path) -> None:
    header = (1).to_bytes(4, "little") + (64).to_bytes(4, "little") + bytes(56)
    runs = b"\x81\x07" * 50
    assert (rendered(picture(tmp_path / "a", SQUARE, RLELossless, PixelData=encapsulate([header + runs]))) == 7).all()


def test_a_deflated_bomb_is_not_inflated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflate, "_MAX", 1 << 20)
    file = picture(tmp_path / "a", SQUARE, "1.2.840.10008.1.2.1.99", ICCProfile=bytes(3 << 20))
    assert "grows beyond 1 MB" in _refusal(file)


def test_a_deflated_frame_is_not_inflated_beyond_its_size(tmp_path: Path) -> None:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    bomb = packer.compress(bytes(50 << 20)) + packer.flush()
    file = picture(tmp_path / "a", SQUARE, "1.2.840.10008.1.2.1.98", PixelData=encapsulate([bomb]))
    file.write_bytes(file.read_bytes().replace(b"1.2.840.10008.1.2.1.98", b"1.2.840.10008.1.2.8.1\0"))
    assert rendered(file).shape == (16, 16)


@pytest.mark.parametrize("frame", [0, -1, 3, 10**9])
def test_a_frame_that_is_not_there_is_named(tmp_path: Path, frame: int) -> None:
    file = picture(tmp_path / "a", SQUARE, NumberOfFrames=2, PixelData=bytes(512))
    with pytest.raises(IndexError, match=f"no frame {frame}: the file has 2"):
        render(file, frame)


def test_compressed_pixels_that_are_not_in_fragments(tmp_path: Path) -> None:
    file = picture(tmp_path / "a", SQUARE, "1.2.840.10008.1.2.1")
    raw = file.read_bytes().replace(b"UI\x14\x00" + b"1.2.840.10008.1.2.1\0", b"UI\x16\x00" + JPEGBaseline8Bit.encode())
    file.write_bytes(raw)
    assert "not in fragments" in _refusal(file)


def test_a_file_without_a_picture_says_what_it_is(tmp_path: Path) -> None:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.88.11", "1.2.3"
    assert _refusal(write(tmp_path / "a", dataset)) == "The file has no pixel data."
    dataset.PixelDataProviderURL = "http://elsewhere.example/"
    assert _refusal(write(tmp_path / "b", dataset)) == "The file's picture is kept on another server."
    assert _refusal(shared("odd", "sample-pdf.dcm")) == "The file holds a document, not a picture."


def test_a_file_that_is_not_there_is_no_fault_of_its_content(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        render(tmp_path / "none")


@pytest.mark.parametrize("samples", [2, 4])
def test_an_odd_number_of_samples(tmp_path: Path, samples: int) -> None:
    assert f"{samples} samples" in _refusal(picture(tmp_path / "a", SQUARE, SamplesPerPixel=samples))


def test_an_odd_number_of_bits(tmp_path: Path) -> None:
    assert "Pixels of 24 bits" in _refusal(picture(tmp_path / "a", SQUARE, BitsAllocated=24))


@pytest.mark.parametrize("width", [-1, float("nan"), float("inf")])
def test_a_window_that_is_no_range_is_refused(width: float) -> None:
    with pytest.raises(ValueError, match="no range of values"):
        Window(0, width)


DAMAGED = [
    "CT_small.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "SC_rgb_rle_16bit_2frame.dcm",
    "SC_rgb_dcmtk_+eb+cy+s4.dcm",
    "JPGExtended.dcm",
    "image_dfl.dcm",
    "examples_overlay.dcm",
]


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_of_any_kind_ends_as_a_picture_or_the_one_error(tmp_path: Path, name: str) -> None:
    whole = (TEST_FILES / name).read_bytes()
    dice = random.Random(name)
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(dice.choice([0, 1, 5, 30])):
            data[dice.randrange(140, len(data))] = dice.choice([0, 255, dice.randrange(256)])
        cut = dice.randrange(140, len(data)) if dice.random() < 0.3 else len(data)
        (tmp_path / "a").write_bytes(data[:cut])
        for look in (thumbnail, presets):
            try:
                look(tmp_path / "a")
            except NothingToShowError as refusal:
                assert str(refusal)[0].isupper()
                assert str(refusal).endswith(".")
