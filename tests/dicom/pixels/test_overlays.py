"""Overlays over pictures: against dcmtk's, and against what numpy makes of their bits."""

from __future__ import annotations

import subprocess
from io import BytesIO
from pathlib import Path
from typing import Any

import jpeg_ls
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import ImplicitVRLittleEndian, JPEGLSLossless, RLELossless
from rle.rle import encode_frame

from appliance.dicom.pixels import thumbnail
from tests.support.files import PYDICOM
from tests.support.overlays import BIG, Bits, bits, plane
from tests.support.pictures import opened, picture, rendered
from tests.support.programs import program

REAL = PYDICOM / "test_files" / "examples_overlay.dcm"
DEFLATED = "1.2.840.10008.1.2.1.99"
GREY = np.full((24, 31), 1000, np.uint16)
RAMP = np.arange(24 * 31, dtype=np.uint16).reshape(24, 31)
WINDOW: dict[str, Any] = {"BitsStored": 12, "HighBit": 11, "WindowCenter": 1000, "WindowWidth": 2000}


def grey(path: Path, pixels: NDArray[Any] | bytes = GREY, **attributes: Any) -> Path:
    return picture(path, pixels, **WINDOW | attributes)


def by_dcmtk(path: Path, *options: str) -> NDArray[np.uint8]:
    command = [program("dcm2pnm"), "--write-raw-pnm", "--use-window", "1", *options, str(path)]
    done = subprocess.run(command, capture_output=True, check=True, timeout=20)
    return np.asarray(Image.open(BytesIO(done.stdout)))


def same(ours: NDArray[Any], theirs: NDArray[Any]) -> bool:
    """Equal but for rounding."""
    return ours.shape == theirs.shape and bool(np.abs(ours.astype(int) - theirs).max() <= 1)


def test_that_of_a_real_image_is_where_its_bits_are_and_as_dcmtk_draws_it() -> None:
    marks = pydicom.dcmread(REAL).overlay_array(0x6000).astype(bool)
    ours = rendered(REAL)
    assert (ours[marks] == 255).all()
    assert same(ours, by_dcmtk(REAL))
    assert same(ours[~marks], by_dcmtk(REAL, "--no-overlays")[~marks])
    assert not same(ours, by_dcmtk(REAL, "--no-overlays"))


@pytest.mark.parametrize(
    ("rows", "columns", "origin"),
    [
        (24, 31, [1, 1]),
        (7, 5, [3, 4]),
        (7, 5, [-2, -1]),
        (7, 5, [0, 0]),
        (7, 5, [21, 29]),
        (40, 50, [-9, -11]),
        (7, 5, [25, 1]),
        (7, 5, [1, 32]),
        (7, 5, [-7, -7]),
    ],
)
def test_it_lies_at_its_origin_and_ends_with_the_picture(
    tmp_path: Path, rows: int, columns: int, origin: list[int]
) -> None:
    marks = bits(rows, columns)
    file = plane(grey(tmp_path / "a"), marks, origin=origin)
    ours = rendered(file)
    assert same(ours, by_dcmtk(file))
    room = np.zeros((200, 200), bool)
    room[100 + origin[0] - 1 :, 100 + origin[1] - 1 :][:rows, :columns] = marks[0]
    assert np.array_equal(ours == 255, room[100:124, 100:131])


@pytest.mark.parametrize("vr", ["OB", "OW"])
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", ImplicitVRLittleEndian, DEFLATED, BIG])
def test_it_is_read_in_every_byte_order(tmp_path: Path, syntax: str, vr: str) -> None:
    marks = bits(13, 7, frames=3)
    pixels = GREY.astype(">u2") if syntax == BIG else GREY
    file = plane(grey(tmp_path / "a", pixels, syntax=syntax), marks, frames=3, vr=vr)
    assert np.array_equal(rendered(file)[:13, :7] == 255, marks[0])


@pytest.mark.parametrize(("frames", "first"), [(3, 1), (2, 2), (1, 3), (3, None)])
def test_each_frame_has_its_own(tmp_path: Path, frames: int, first: int | None) -> None:
    marks = bits(5, 7, frames)
    file = plane(
        grey(tmp_path / "a", np.tile(GREY, (3, 1)), Rows=24, NumberOfFrames=3), marks, frames=frames, first=first
    )
    for frame in (1, 2, 3):
        ours, index = rendered(file, frame), frame - (first or 1)
        assert np.array_equal(ours[:5, :7] == 255, marks[index] if 0 <= index < frames else np.zeros((5, 7), bool))
        assert same(ours, by_dcmtk(file, "--frame", str(frame)))


def test_one_that_names_no_frame_belongs_to_all(tmp_path: Path) -> None:
    marks = bits(24, 31)
    file = plane(grey(tmp_path / "a", np.tile(GREY, (3, 1)), Rows=24, NumberOfFrames=3), marks)
    assert all(np.array_equal(rendered(file, frame) == 255, marks[0]) for frame in (1, 2, 3))


def test_several_lie_one_over_the_other(tmp_path: Path) -> None:
    one, other = bits(24, 31), bits(7, 5)
    file = plane(plane(grey(tmp_path / "a"), one), other, group=0x601E, origin=[2, 2])
    ours = rendered(file)
    assert same(ours, by_dcmtk(file))
    one[0, 1:8, 1:6] |= other[0]
    assert np.array_equal(ours == 255, one[0])


def test_a_private_group_among_theirs_is_none(tmp_path: Path) -> None:
    file = plane(grey(tmp_path / "a"), bits(24, 31), group=0x6001)
    assert not (rendered(file) == 255).any()


def test_of_a_region_the_outline_is_drawn_so_that_what_is_in_it_can_be_seen(tmp_path: Path) -> None:
    region = np.zeros((24, 31), bool)
    region[5:10, 6:15] = True
    outline = region.copy()
    outline[6:9, 7:14] = False
    assert np.array_equal(rendered(plane(grey(tmp_path / "a"), region, kind="R")) == 255, outline)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_it_is_white_whichever_way_the_greys_go(tmp_path: Path, photometric: str) -> None:
    file = plane(grey(tmp_path / "a", PhotometricInterpretation=photometric), bits(24, 31))
    assert (rendered(file) == 255).sum() == bits(24, 31).sum()
    assert same(rendered(file), by_dcmtk(file))


def test_it_is_white_on_colours_too(tmp_path: Path) -> None:
    colours = np.full((24, 31, 3), (10, 90, 200), np.uint8)
    ours = rendered(plane(picture(tmp_path / "a", colours), bits(24, 31)))
    assert np.array_equal(ours, np.where(bits(24, 31)[0][..., None], 255, colours))


def test_one_longer_than_most_headers_is_found(tmp_path: Path) -> None:
    marks = bits(2048, 2048)
    file = plane(picture(tmp_path / "a", np.full((2048, 2048), 7, np.uint8)), marks)
    assert np.array_equal(rendered(file) == 255, marks[0])


def test_small_pictures_have_it(tmp_path: Path) -> None:
    block = np.zeros((24, 31), bool)
    block[:12] = True
    small = opened(thumbnail(plane(grey(tmp_path / "a"), block), 12, media_type="image/png"))
    assert (small[0] > 250).all()
    assert (small[-1] < 150).all()


def packed(marks: Bits, position: int, stored: NDArray[Any] = GREY) -> NDArray[np.uint16]:
    """Stored values with the bits of an overlay above them."""
    return np.asarray(stored | (marks.astype(np.uint16) << position), np.uint16)


@pytest.mark.parametrize("position", [12, 15])
def test_one_in_unused_bits_of_the_pixels_is_drawn_and_disturbs_them_not(tmp_path: Path, position: int) -> None:
    marks = bits(24, 31)[0]
    file = plane(grey(tmp_path / "a", packed(marks, position, RAMP)), None, allocated=16, position=position)
    plain = rendered(grey(tmp_path / "b", RAMP))
    assert np.array_equal(rendered(file), np.where(marks, 255, plain))
    assert same(rendered(file), by_dcmtk(file))


def test_two_in_unused_bits(tmp_path: Path) -> None:
    one, other = bits(24, 31, 2)
    file = grey(tmp_path / "a", packed(one, 13) | packed(other, 14))
    plane(plane(file, None, allocated=16, position=13), None, group=0x6002, allocated=16, position=14)
    assert np.array_equal(rendered(file) == 255, one | other)


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless])
def test_one_in_unused_bits_of_compressed_pixels(tmp_path: Path, syntax: str) -> None:
    region = np.zeros((24, 31), bool)
    region[4:20, 4:20] = True
    values = packed(region, 13)
    if syntax == RLELossless:
        frame = bytes(encode_frame(values.tobytes(), 24, 31, 1, 16, "<"))
    else:
        frame = bytes(jpeg_ls.encode(values))
    header = {"Rows": 24, "Columns": 31, "SamplesPerPixel": 1, "BitsAllocated": 16, "PixelRepresentation": 0}
    file = grey(tmp_path / "a", encapsulate([frame]), syntax=syntax, PhotometricInterpretation="MONOCHROME2", **header)
    plane(file, None, allocated=16, position=13, kind="R")
    region[5:19, 5:19] = False
    assert np.array_equal(rendered(file), np.where(region, 255, rendered(grey(tmp_path / "b"))))


def test_bits_that_say_the_sign_are_no_overlay(tmp_path: Path) -> None:
    values = np.where(bits(24, 31)[0], -300, 300).astype(np.int16)
    plain = grey(tmp_path / "a", values, WindowCenter=0)
    file = plane(grey(tmp_path / "b", values, WindowCenter=0), None, allocated=16, position=12)
    assert np.array_equal(rendered(file), rendered(plain))


@pytest.mark.parametrize(
    "said",
    [
        {"size": 90},
        {"rows": 0},
        {"rows": 65535, "columns": 65535},
        {"columns": 65535},
        {"origin": [32767, -32768]},
        {"frames": 2, "first": 2},
        {"frames": 999999999, "first": 999},
        {"rows": None},
    ],
    ids=str,
)
def test_what_is_damaged_is_left_out_and_the_picture_shown(tmp_path: Path, said: dict[str, Any]) -> None:
    file = plane(grey(tmp_path / "a"), bits(24, 31), **said)
    assert np.array_equal(rendered(file), rendered(grey(tmp_path / "b")))


def test_one_that_covers_all_is_left_out(tmp_path: Path) -> None:
    file = plane(grey(tmp_path / "a"), np.ones((24, 31), bool))
    assert np.array_equal(rendered(file), rendered(grey(tmp_path / "b")))


@pytest.mark.parametrize(
    "said", [{"position": 3, "allocated": 16}, {"position": 16, "allocated": 16}, {"position": 13, "allocated": 8}, {}]
)
def test_one_that_is_nowhere_is_left_out(tmp_path: Path, said: dict[str, Any]) -> None:
    file = plane(grey(tmp_path / "a", packed(bits(24, 31)[0], 13, RAMP)), None, **said)
    assert np.array_equal(rendered(file), rendered(grey(tmp_path / "b", RAMP)))


@pytest.mark.parametrize("origin", [None, [3]])
def test_one_without_an_origin_begins_with_the_picture(tmp_path: Path, origin: Any) -> None:
    file = plane(grey(tmp_path / "a"), bits(24, 31), origin=origin)
    assert np.array_equal(rendered(file) == 255, bits(24, 31)[0])
