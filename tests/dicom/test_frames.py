"""Single frames: as stored, and without compression."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.pixels import pixel_array

from appliance.dicom.frames import at_the_end, frames, plain, stored, stretch
from appliance.dicom.source import NothingToShowError
from tests.support.files import PYDICOM, brainix, pydicom_files, shared


def sample(name: str) -> Path:
    return next(PYDICOM.rglob(name))


@pytest.mark.parametrize(
    "name",
    [
        "CT_small.dcm",
        "MR_small_bigendian.dcm",
        "MR_small_implicit.dcm",
        "image_dfl.dcm",
        "SC_rgb_rle_2frame.dcm",
        "SC_rgb_rle_16bit_2frame.dcm",
        "SC_rgb_rle_32bit_2frame.dcm",
        "SC_rgb_small_odd.dcm",
        "SC_rgb_small_odd_big_endian.dcm",
        "JPEG2000.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
        "examples_rgb_color.dcm",
        "examples_palette.dcm",
        "liver_1frame.dcm",
        "liver_expb_1frame.dcm",
        "rtdose.dcm",
        "rtdose_expb.dcm",
        "rtdose_rle.dcm",
        "examples_jpeg2k.dcm",
        "SC_rgb_gdcm_KY.dcm",
    ],
)
def test_a_plain_frame_has_the_values_that_pydicom_reads(name: str) -> None:
    path = sample(name)
    of = frames(path)
    dataset = pydicom.dcmread(path)
    whole = dataset.pixel_array.reshape(of.count, -1)
    for index in (0, of.count - 1):
        data = plain(of, index)
        if of.layout.allocated == 1:
            values = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")[: of.layout.pixels]
        else:
            values = np.frombuffer(data, whole.dtype.newbyteorder("<"))
        if dataset.get("PlanarConfiguration") == 1 and not of.encapsulated:
            values = np.moveaxis(values.reshape(3, -1), 0, -1).ravel()
        assert np.array_equal(values, whole[index]), index


def test_stored_frames_are_the_codestreams_in_the_file() -> None:
    path = sample("examples_ybr_color.dcm")
    of = frames(path)
    whole = path.read_bytes()
    assert of.count == 30
    for index in range(of.count):
        frame = stored(of, index)
        assert frame.startswith(b"\xff\xd8\xff")
        assert frame in whole


def test_stored_native_frames_are_the_bytes_in_the_file() -> None:
    path = brainix()[0]
    assert stored(frames(path), 0) == pydicom.dcmread(path).PixelData


def test_halved_chroma_stays_halved() -> None:
    path = shared("transfer-syntaxes", "US-YBR_FULL_422-EVRLE.dcm")
    dataset = pydicom.dcmread(path)
    of = frames(path)
    size = len(dataset.PixelData) // of.count
    assert stored(of, 0) == dataset.PixelData[:size]


def test_compressed_colours_come_as_rgb() -> None:
    path = sample("examples_ybr_color.dcm")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = pixel_array(path, index=7)
    frame = np.frombuffer(plain(frames(path), 7), np.uint8).reshape(expected.shape)
    assert np.abs(frame.astype(int) - expected).mean() < 0.2


@pytest.mark.parametrize("name", ["rtplan.dcm", "test-SR.dcm"])
def test_what_has_no_pixels_has_no_frames(name: str) -> None:
    with pytest.raises(NothingToShowError):
        frames(sample(name))


def test_a_file_that_ends_early_is_said_to_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "short.dcm"
    path.write_bytes(sample("CT_small.dcm").read_bytes()[:-5000])
    with pytest.raises(NothingToShowError, match="ends"):
        stored(frames(path), 0)


def test_where_a_frame_stands_in_its_file_there_are_its_bytes() -> None:
    standing = compressed = 0
    for path in pydicom_files():
        try:
            of = frames(path)
            place = stretch(of, of.count - 1)
            whole = (stored if of.encapsulated else plain)(of, of.count - 1)
        except NothingToShowError:
            continue
        if place is not None:
            start, length = place
            assert path.read_bytes()[start : start + length] == whole, path.name
            standing, compressed = standing + 1, compressed + of.encapsulated
    assert standing > 50
    assert compressed > 10


def test_of_a_file_that_was_cut_no_frame_stands_there(tmp_path: Path) -> None:
    for name in ("CT_small.dcm", "JPEG2000.dcm"):
        cut = tmp_path / name
        cut.write_bytes(sample(name).read_bytes()[:-200])
        with pytest.raises(NothingToShowError):
            stretch(frames(cut), 0)


def test_pixels_at_the_end_are_found_without_the_header_or_not_at_all() -> None:
    found = 0
    for path in pydicom_files():
        try:
            of = frames(path)
        except NothingToShowError:
            continue
        layout = of.layout
        rows, columns = layout.rows, layout.columns
        quick = at_the_end(path, of.syntax, (rows, columns), layout.allocated, of.count)
        if quick is not None:
            found += 1
            assert layout.samples == 1, path.name
            assert (quick.pixels.offset, quick.count) == (of.pixels.offset, of.count), path.name
            assert plain(quick, of.count - 1) == plain(of, of.count - 1)
            assert at_the_end(path, of.syntax, (rows + 2, columns), layout.allocated, of.count) is None
    assert found > 10
