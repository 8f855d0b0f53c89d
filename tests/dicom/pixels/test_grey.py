"""Stored values to greys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from appliance.dicom.pixels import Window
from tests.support.pictures import item, picture, rendered, write

RAMP = np.arange(4096, dtype=np.uint16).reshape(64, 64)


def _same(ours: np.ndarray[Any, Any], shades: np.ndarray[Any, Any]) -> bool:
    """Equal but for rounding."""
    return bool(np.abs(ours - shades * 255.0).max() <= 1)


def test_linear_window_is_the_formula_of_the_standard(tmp_path: Path) -> None:
    file = picture(tmp_path / "a", RAMP, WindowCenter=2048, WindowWidth=1024)
    assert _same(rendered(file), ((RAMP - 2047.5) / 1023 + 0.5).clip(0, 1))


def test_linear_exact_window_is_the_formula_of_the_standard(tmp_path: Path) -> None:
    file = picture(tmp_path / "a", RAMP, WindowCenter=2048, WindowWidth=8, VOILUTFunction="LINEAR_EXACT")
    assert _same(rendered(file), ((RAMP - 2048.0) / 8 + 0.5).clip(0, 1))


def test_sigmoid_window_is_the_formula_of_the_standard(tmp_path: Path) -> None:
    file = picture(tmp_path / "a", RAMP, WindowCenter=2048, WindowWidth=1024, VOILUTFunction="SIGMOID")
    assert _same(rendered(file), 1 / (1 + np.exp(-4 * (RAMP - 2048.0) / 1024)))


def test_steep_sigmoid_does_not_overflow(tmp_path: Path) -> None:
    file = picture(tmp_path / "a", RAMP, WindowCenter=2048, WindowWidth=0.001, VOILUTFunction="SIGMOID")
    assert np.array_equal(rendered(file) > 128, RAMP > 2048)


def test_window_of_width_1_is_a_step(tmp_path: Path) -> None:
    file = picture(tmp_path / "a", RAMP, WindowCenter=100, WindowWidth=1)
    assert np.array_equal(rendered(file) == 255, RAMP >= 100)


def test_window_narrower_than_a_unit_is_exact(tmp_path: Path) -> None:
    file = picture(tmp_path / "a", RAMP, RescaleSlope="0.001", RescaleIntercept="0", WindowCenter=1, WindowWidth="0.5")
    assert _same(rendered(file), ((RAMP * 0.001 - 1) / 0.5 + 0.5).clip(0, 1))


def test_a_window_asked_for_takes_the_place_of_the_files(tmp_path: Path) -> None:
    file = picture(tmp_path / "a", RAMP, WindowCenter=2048, WindowWidth=1024)
    assert _same(rendered(file, window=Window(500, 101)), ((RAMP - 499.5) / 100 + 0.5).clip(0, 1))


@pytest.mark.parametrize("width", [0, -5, ""])
def test_an_unusable_window_counts_as_none(tmp_path: Path, width: object) -> None:
    plain = picture(tmp_path / "a", RAMP)
    file = picture(tmp_path / "b", RAMP, WindowCenter=2048, WindowWidth=width)
    assert np.array_equal(rendered(file), rendered(plain))


def test_without_a_window_nearly_all_values_are_spread_over_the_greys(tmp_path: Path) -> None:
    pixels = np.full((100, 100), 1000, np.uint16)
    pixels[:50] = np.linspace(500, 1500, 100)
    pixels[99, :20] = 60000  # a marker, dead cells
    shown = rendered(picture(tmp_path / "a", pixels))
    assert (shown[0, 0], shown[0, -1]) == (0, 255)
    assert shown[-1, 0] == 255
    assert 120 < shown[70, 0] < 135


def test_padding_does_not_count_for_the_automatic_window(tmp_path: Path) -> None:
    pixels = np.full((100, 100), -2000, np.int16)
    pixels[20:80] = np.linspace(0, 100, 100)
    pixels[0, :30] = -1990
    file = picture(tmp_path / "a", pixels, PixelPaddingValue=-2000, PixelPaddingRangeLimit=-1990)
    assert (rendered(file)[50, 0], rendered(file)[50, -1]) == (0, 255)


def test_a_picture_of_one_value_is_black(tmp_path: Path) -> None:
    assert not rendered(picture(tmp_path / "a", np.full((8, 8), 700, np.uint16))).any()


def test_a_few_hot_pixels_on_nothing_are_seen(tmp_path: Path) -> None:
    pixels = np.zeros((100, 100), np.uint16)
    pixels[50, 50] = 9
    assert rendered(picture(tmp_path / "a", pixels))[50, 50] == 255


def test_8_bits_without_a_window_are_greys_already(tmp_path: Path) -> None:
    pixels = np.arange(50, 150, dtype=np.uint8).reshape(10, 10)
    assert np.array_equal(rendered(picture(tmp_path / "a", pixels)), pixels)


def test_fractions_of_a_segmentation_are_shown_against_their_maximum(tmp_path: Path) -> None:
    pixels = np.arange(100, dtype=np.uint8).reshape(10, 10)
    file = picture(tmp_path / "a", pixels, Modality="SEG", MaximumFractionalValue=99)
    assert _same(rendered(file), pixels / 99)


def test_labels_of_a_segmentation_are_spread(tmp_path: Path) -> None:
    pixels = np.repeat(np.arange(5, dtype=np.uint8), 20).reshape(10, 10)
    assert rendered(picture(tmp_path / "a", pixels, Modality="SEG")).max() == 255


@pytest.mark.parametrize(
    "said",
    [
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"PresentationLUTShape": "INVERSE"},
        {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"},
    ],
)
def test_inverse_is_inverse_however_often_it_is_said(tmp_path: Path, said: dict[str, str]) -> None:
    file = picture(tmp_path / "a", RAMP, WindowCenter=2048, WindowWidth=4096, **said)
    assert _same(rendered(file), 1 - RAMP / 4095)


def test_values_are_rescaled_before_the_window(tmp_path: Path) -> None:
    file = picture(tmp_path / "a", RAMP, RescaleSlope=2, RescaleIntercept=-1024, WindowCenter=40, WindowWidth=400)
    assert _same(rendered(file), ((RAMP * 2.0 - 1024 - 39.5) / 399 + 0.5).clip(0, 1))


def test_a_rescale_slope_of_0_is_taken_for_1(tmp_path: Path) -> None:
    file = picture(tmp_path / "a", RAMP, RescaleSlope=0, RescaleIntercept=0, WindowCenter=2048, WindowWidth=4096)
    assert _same(rendered(file), RAMP / 4095)


def _table(first: int, bits: int, entries: list[int]) -> Dataset:
    made = Dataset()
    made.LUTDescriptor = [len(entries), first, bits]
    made.LUTData = np.array(entries, "<u2").tobytes()
    return made


def test_modality_table_is_used_and_extended_at_its_ends(tmp_path: Path) -> None:
    table = Sequence([_table(100, 8, list(range(255, 55, -1)))])
    file = picture(tmp_path / "a", RAMP, ModalityLUTSequence=table, WindowCenter=128, WindowWidth=256)
    assert _same(rendered(file), (255 - (RAMP.astype(int) - 100).clip(0, 199)) / 255)


@pytest.mark.parametrize(("relation", "used"), [("LIN", True), ("LOG", False), ("DISP", False)])
def test_angiographys_table_for_measuring_is_not_for_looking(tmp_path: Path, relation: str, used: bool) -> None:
    file = picture(
        tmp_path / "a",
        np.arange(256, dtype=np.uint8).reshape(16, 16),
        SOPClassUID="1.2.840.10008.5.1.4.1.1.12.1",
        PixelIntensityRelationship=relation,
        ModalityLUTSequence=Sequence([_table(0, 8, list(range(255, -1, -1)))]),
        WindowCenter=128,
        WindowWidth=256,
    )
    assert rendered(file)[0, 0] == (255 if used else 0)


@pytest.mark.parametrize("said_bits", [10, 16, 8])
def test_voi_table_goes_before_the_window(tmp_path: Path, said_bits: int) -> None:
    entries = [int(v) for v in np.sqrt(np.arange(1024)) * 32]
    table = _table(1000, said_bits, entries)
    file = picture(tmp_path / "a", RAMP, VOILUTSequence=Sequence([table]), WindowCenter=1, WindowWidth=2)
    top = max(2**said_bits - 1, *entries)
    assert _same(rendered(file), np.array(entries)[(RAMP.astype(int) - 1000).clip(0, 1023)] / top)


def test_voi_table_may_begin_below_0_where_stored_values_do_not(tmp_path: Path) -> None:
    pixels = np.arange(100, dtype=np.uint16).reshape(10, 10)
    table = Sequence([_table(0x10000 - 50, 8, list(range(100)))])
    file = picture(tmp_path / "a", pixels, RescaleSlope=1, RescaleIntercept=-50, VOILUTSequence=table)
    assert _same(rendered(file), pixels / 255)


def test_a_malformed_voi_table_counts_as_none(tmp_path: Path) -> None:
    table = Dataset()
    table.LUTDescriptor = [0, 0]
    file = picture(tmp_path / "a", RAMP, VOILUTSequence=Sequence([table]), WindowCenter=2048, WindowWidth=4096)
    assert _same(rendered(file), RAMP / 4095)


def test_signed_values_with_an_overlay_in_their_unused_bits(tmp_path: Path) -> None:
    values = np.arange(-2048, 2048, dtype=np.int16).reshape(64, 64)
    stored = (values & 0x0FFF).astype(np.uint16) | np.uint16(0x5000)
    file = picture(
        tmp_path / "a", stored, BitsStored=12, HighBit=11, PixelRepresentation=1, WindowCenter=0, WindowWidth=4096
    )
    assert _same(rendered(file), (values + 2048.0) / 4095)


def test_values_in_the_high_bits_of_their_words(tmp_path: Path) -> None:
    file = picture(tmp_path / "a", RAMP << 4, BitsStored=12, HighBit=15, WindowCenter=2048, WindowWidth=4096)
    assert _same(rendered(file), RAMP / 4095)


@pytest.mark.parametrize("kind", [np.uint32, np.int32])
def test_32_bits(tmp_path: Path, kind: type[np.generic]) -> None:
    pixels = (np.arange(64).reshape(8, 8) * 1_000_000).astype(kind)
    file = picture(tmp_path / "a", pixels, WindowCenter=31_500_000, WindowWidth=63_000_000)
    assert _same(rendered(file), pixels / 63_000_000)


@pytest.mark.parametrize(("keyword", "kind"), [("FloatPixelData", np.float32), ("DoubleFloatPixelData", np.float64)])
def test_floating_values_with_gaps(tmp_path: Path, keyword: str, kind: type[np.generic]) -> None:
    pixels = np.linspace(-1, 1, 64).astype(kind).reshape(8, 8)
    pixels[0, 0] = np.nan
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.30", "1.2.3"
    dataset.Rows = dataset.Columns = 8
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    setattr(dataset, keyword, pixels.tobytes())
    shown = rendered(write(tmp_path / "a", dataset))
    assert shown[0, 0] == 0
    assert (np.diff(shown.ravel()[1:].astype(int)) >= 0).all()
    assert shown[-1, -1] == 255


def test_each_frame_has_its_own_rescale_and_window(tmp_path: Path) -> None:
    def group(slope: int, centre: int) -> Dataset:
        return item(
            PixelValueTransformationSequence=item(RescaleSlope=slope, RescaleIntercept=0),
            FrameVOILUTSequence=item(WindowCenter=centre, WindowWidth=256),
        )[0]

    pixels = np.arange(256, dtype=np.uint16).reshape(16, 16)
    file = picture(
        tmp_path / "a",
        np.vstack([pixels, pixels]),
        Rows=16,
        NumberOfFrames=2,
        PerFrameFunctionalGroupsSequence=Sequence([group(1, 128), group(2, 384)]),
        WindowCenter=9999,
        WindowWidth=1,
    )
    assert _same(rendered(file, 1), pixels / 255)
    assert _same(rendered(file, 2), ((pixels * 2.0 - 383.5) / 255 + 0.5).clip(0, 1))


def test_frames_share_what_is_said_once(tmp_path: Path) -> None:
    shared = item(FrameVOILUTSequence=item(WindowCenter=128, WindowWidth=256))
    pixels = np.arange(256, dtype=np.uint16).reshape(16, 16)
    file = picture(tmp_path / "a", pixels, SharedFunctionalGroupsSequence=shared)
    assert _same(rendered(file), pixels / 255)
