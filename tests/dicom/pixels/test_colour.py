"""Colour models and palettes."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

from appliance.dicom.pixels import NothingToShowError, render
from tests.support.pictures import picture, rendered

COLOURS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [128, 128, 128], [20, 90, 200]], np.uint8)
STRIPES = np.repeat(np.repeat(COLOURS, 16, axis=0)[None], 32, axis=0)


def _ybr(rgb: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(Image.fromarray(rgb).convert("YCbCr"))


def _near(ours: NDArray[Any], allowed: float = 2) -> bool:
    return bool(np.abs(ours.astype(float) - STRIPES).mean() < allowed)


def test_planes_one_after_the_other(tmp_path: Path) -> None:
    planes = np.moveaxis(STRIPES, -1, 0).tobytes()
    assert np.array_equal(rendered(picture(tmp_path / "a", STRIPES, PixelData=planes, PlanarConfiguration=1)), STRIPES)


def test_ybr_full(tmp_path: Path) -> None:
    assert _near(rendered(picture(tmp_path / "a", _ybr(STRIPES), PhotometricInterpretation="YBR_FULL")))


def _halved(ybr: NDArray[Any]) -> bytes:
    pairs = ybr.reshape(-1, 2, 3)
    return np.stack([pairs[:, 0, 0], pairs[:, 1, 0], pairs[:, 0, 1], pairs[:, 0, 2]], axis=-1).tobytes()


def test_ybr_full_422_shares_chroma_between_two_pixels(tmp_path: Path) -> None:
    said = {"PhotometricInterpretation": "YBR_FULL_422", "PixelData": _halved(_ybr(STRIPES))}
    assert _near(rendered(picture(tmp_path / "a", STRIPES, **said)))


def test_ybr_full_422_that_has_all_its_chroma(tmp_path: Path) -> None:
    assert _near(rendered(picture(tmp_path / "a", _ybr(STRIPES), PhotometricInterpretation="YBR_FULL_422")))


def test_ybr_partial_422_spreads_studio_levels(tmp_path: Path) -> None:
    ybr = _ybr(STRIPES).astype(float)
    studio = np.stack([16 + ybr[..., 0] * 219 / 255, *(128 + (ybr[..., n] - 128) * 224 / 255 for n in (1, 2))], axis=-1)
    said = {"PhotometricInterpretation": "YBR_PARTIAL_422", "PixelData": _halved(studio.round().astype(np.uint8))}
    assert _near(rendered(picture(tmp_path / "a", STRIPES, **said)))


def test_16_bits_a_sample(tmp_path: Path) -> None:
    assert np.array_equal(rendered(picture(tmp_path / "a", STRIPES.astype(np.uint16) * 257)), STRIPES)


def test_a_window_means_nothing_to_colours(tmp_path: Path) -> None:
    assert np.array_equal(rendered(picture(tmp_path / "a", STRIPES, WindowCenter=1, WindowWidth=2)), STRIPES)


def test_an_unknown_colour_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(NothingToShowError, match="colour model HSV"):
        render(picture(tmp_path / "a", STRIPES, PhotometricInterpretation="HSV"))


def _jpeg(**options: Any) -> bytes:
    out = BytesIO()
    Image.fromarray(STRIPES).save(out, "JPEG", quality=95, **options)
    return out.getvalue()


def _without_jfif(jpeg: bytes) -> bytes:
    length = int.from_bytes(jpeg[4:6], "big")
    return jpeg[:2] + jpeg[4 + length :]


@pytest.mark.parametrize("said", ["RGB", "YBR_FULL", "YBR_FULL_422"])
@pytest.mark.parametrize(
    "jpeg",
    [
        pytest.param(_jpeg(subsampling=0), id="JFIF is YCbCr"),
        pytest.param(_jpeg(subsampling=1), id="JFIF is YCbCr, halved"),
        pytest.param(_jpeg(subsampling=0, keep_rgb=True), id="Adobe's marker and names say RGB"),
        pytest.param(_without_jfif(_jpeg(subsampling=2)), id="no marker, but chroma is quartered"),
    ],
)
def test_jpegs_own_markers_go_before_the_header(tmp_path: Path, jpeg: bytes, said: str) -> None:
    file = picture(
        tmp_path / "a", STRIPES, JPEGBaseline8Bit, PixelData=encapsulate([jpeg]), PhotometricInterpretation=said
    )
    assert _near(rendered(file), 4)


def test_jpeg_without_markers_is_what_the_header_says(tmp_path: Path) -> None:
    said = {"PixelData": encapsulate([_without_jfif(_jpeg(subsampling=0))])}
    true = picture(tmp_path / "a", STRIPES, JPEGBaseline8Bit, **said, PhotometricInterpretation="YBR_FULL")
    false = picture(tmp_path / "b", STRIPES, JPEGBaseline8Bit, **said, PhotometricInterpretation="RGB")
    assert _near(rendered(true), 4)
    assert not _near(rendered(false), 4)


PLACES = np.repeat(np.arange(6, dtype=np.uint8), 16)[None].repeat(32, axis=0)


def _palette(depth: int, first: int, tables: list[bytes], segmented: bool = False) -> dict[str, Any]:
    said: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour, table in zip(("Red", "Green", "Blue"), tables, strict=True):
        said[f"{colour}PaletteColorLookupTableDescriptor"] = [6, first, depth]
        said[f"{'Segmented' if segmented else ''}{colour}PaletteColorLookupTableData"] = table
    return said


@pytest.mark.parametrize(
    ("depth", "tables"),
    [
        pytest.param(8, [c.tobytes() for c in COLOURS.T], id="8 bits"),
        pytest.param(8, [c.astype("<u2").tobytes() for c in COLOURS.T], id="8 bits in words"),
        pytest.param(16, [(c.astype("<u2") * 257).tobytes() for c in COLOURS.T], id="16 bits"),
        pytest.param(16, [c.astype("<u2").tobytes() for c in COLOURS.T], id="16 bits said, 8 used"),
    ],
)
@pytest.mark.parametrize("first", [0, 3])
def test_palettes(tmp_path: Path, depth: int, tables: list[bytes], first: int) -> None:
    file = picture(tmp_path / "a", PLACES + np.uint8(first), **_palette(depth, first, tables))
    assert np.array_equal(rendered(file), STRIPES)


def test_places_beyond_the_palettes_ends_take_the_colours_there(tmp_path: Path) -> None:
    pixels = np.array([[0, 9, 10, 15, 16, 255]], np.uint8)
    file = picture(tmp_path / "a", pixels, **_palette(8, 10, [c.tobytes() for c in COLOURS.T]))
    assert np.array_equal(rendered(file)[0], COLOURS[[0, 0, 0, 5, 5, 5]])


def test_segmented_palette_of_all_kinds(tmp_path: Path) -> None:
    # Discrete 0 and 100, a line to 200 in 2 steps, then both once more by reference.
    words = [0, 2, 0, 100, 1, 2, 200, 2, 1, 0, 0]
    table = np.array(words, "<u2").tobytes()
    said = _palette(16, 0, [table] * 3, segmented=True)
    shown = rendered(picture(tmp_path / "a", np.array([[0, 1, 2, 3, 4, 5]], np.uint8), **said))
    assert shown[0, :, 0].tolist() == [0, 100, 150, 200, 0, 100]


def test_segmented_palette_cannot_refer_to_itself_for_ever(tmp_path: Path) -> None:
    table = np.array([0, 1, 5, 2, 60000, 3, 0, 0], "<u2").tobytes()
    with pytest.raises(NothingToShowError, match="palette"):
        render(picture(tmp_path / "a", PLACES, **_palette(16, 0, [table] * 3, segmented=True)))


def test_a_palette_picture_without_palette_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NothingToShowError, match="no colour palette"):
        render(picture(tmp_path / "a", PLACES, PhotometricInterpretation="PALETTE COLOR"))


def test_supplemental_palette_colours_the_upper_values_of_a_grey_picture(tmp_path: Path) -> None:
    pixels = np.array([[0, 100, 199, 200, 205, 255]], np.uint8)
    said = _palette(8, 200, [c.tobytes() for c in COLOURS.T])
    said |= {"PhotometricInterpretation": "MONOCHROME2", "PixelPresentation": "COLOR"}
    shown = rendered(picture(tmp_path / "a", pixels, **said))[0]
    assert shown[:3].tolist() == [[0] * 3, [100] * 3, [199] * 3]
    assert np.array_equal(shown[3:], COLOURS[[0, 5, 5]])
