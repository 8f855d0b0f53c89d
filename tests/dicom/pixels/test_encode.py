"""The picture's file: size, shape, kind."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from appliance.dicom.pixels import MEDIA_TYPES, render, thumbnail
from appliance.dicom.pixels.encode import fitted
from tests.support.pictures import item, opened, picture, rendered

WIDE = np.arange(100 * 200, dtype=np.uint16).reshape(100, 200)


def test_edge_only_makes_smaller_and_keeps_the_shape(tmp_path: Path) -> None:
    file = picture(tmp_path / "a", WIDE)
    assert rendered(file, edge=50).shape == (25, 50)
    assert rendered(file, edge=1000).shape == (100, 200)


@pytest.mark.parametrize(
    ("said", "shape"),
    [
        ({"PixelSpacing": [1, 1]}, (100, 200)),
        ({"PixelSpacing": [2, 1]}, (200, 200)),
        ({"PixelSpacing": ["0.5", "1"]}, (100, 400)),
        ({"PixelAspectRatio": [3, 2]}, (150, 200)),
        ({"ImagerPixelSpacing": [1, 2]}, (100, 400)),
        ({"NominalScannedPixelSpacing": [2, 1]}, (200, 200)),
        ({"PixelSpacing": [2, 1], "PixelAspectRatio": [1, 2]}, (200, 200)),
        ({"PixelSpacing": [1, "1.004"]}, (100, 200)),
        ({"PixelSpacing": [1000, 1]}, (100, 200)),
        ({"PixelSpacing": [0, 1]}, (100, 200)),
        ({"PixelSpacing": None}, (100, 200)),
        ({"SharedFunctionalGroupsSequence": item(PixelMeasuresSequence=item(PixelSpacing=[2, 1]))}, (200, 200)),
    ],
    ids=str,
)
def test_pixels_become_square(tmp_path: Path, said: dict[str, object], shape: tuple[int, int]) -> None:
    assert rendered(picture(tmp_path / "a", WIDE, **said)).shape == shape


def test_edge_holds_for_the_shape_seen() -> None:
    assert fitted((200, 100), 4.0, 200) == (100, 200)


def test_no_picture_is_longer_than_its_format_can_hold() -> None:
    assert max(fitted((60000, 10), 1.0, None)) == 16383
    assert min(fitted((60000, 1), 1.0, 10)) == 1


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
@pytest.mark.parametrize("depth", [(), (3,)])
def test_kinds(tmp_path: Path, media_type: str, depth: tuple[int, ...]) -> None:
    pixels = np.full((20, 30, *depth), 77, np.uint8)
    with Image.open(BytesIO(render(picture(tmp_path / "a", pixels), media_type=media_type))) as image:
        assert Image.MIME[str(image.format)] == media_type
        assert abs(int(np.asarray(image.convert("RGB")).max()) - 77) <= 2


def test_quality_is_of_use(tmp_path: Path) -> None:
    file = picture(tmp_path / "a", np.random.default_rng(1).integers(0, 255, (64, 64), np.uint8))
    assert len(render(file, quality=10)) < len(render(file, quality=95))


@pytest.mark.parametrize(
    "wrong", [{"media_type": "image/tiff"}, {"edge": 0}, {"quality": 0}, {"quality": 101}], ids=str
)
def test_parameters_out_of_range_are_named(tmp_path: Path, wrong: dict[str, object]) -> None:
    file = picture(tmp_path / "a", WIDE)
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        render(file, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "shade"), [({}, 120), ({"RepresentativeFrameNumber": 3}, 200), ({"RepresentativeFrameNumber": 9}, 120)]
)
def test_thumbnail_is_of_the_representative_frame_or_the_middle_one(
    tmp_path: Path, said: dict[str, int], shade: int
) -> None:
    frames = np.stack([np.full((40, 80), shade, np.uint8) for shade in (40, 120, 200)])
    file = picture(tmp_path / "a", frames[0], NumberOfFrames=3, PixelData=frames.tobytes(), **said)
    small = opened(thumbnail(file, 20))
    assert small.shape == (10, 20)
    assert abs(int(small.max()) - shade) <= 2
