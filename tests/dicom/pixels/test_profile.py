"""The ICC profile of an image goes along in its picture where that is asked for."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from appliance.dicom.pixels import render, thumbnail
from tests.support.pictures import picture

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LARGE = (200_000).to_bytes(4, "big") + SRGB[4:] + bytes(200_000 - len(SRGB))
COLOURS = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)
GREYS = np.arange(256, dtype=np.uint8).reshape(16, 16)


def profile_in(file: bytes) -> bytes | None:
    with Image.open(BytesIO(file)) as image:
        image.load()
        found: bytes | None = image.info.get("icc_profile")
        return found


@pytest.mark.parametrize("media_type", ["image/jpeg", "image/png", "image/webp"])
@pytest.mark.parametrize("profile", [SRGB, LARGE], ids=["small", "large"])
def test_it_goes_along_byte_for_byte_and_changes_no_pixel(tmp_path: Path, media_type: str, profile: bytes) -> None:
    file = picture(tmp_path / "a", COLOURS, ICCProfile=profile + b"\0" * (len(profile) % 2))
    with_it = render(file, media_type=media_type, profiled=True)
    without = render(file, media_type=media_type)
    assert (profile_in(with_it), profile_in(without)) == (profile, None)
    assert profile_in(thumbnail(file, media_type=media_type, profiled=True)) == profile
    assert np.array_equal(np.asarray(Image.open(BytesIO(with_it))), np.asarray(Image.open(BytesIO(without))))


def test_that_of_the_only_optical_path_is_the_images(tmp_path: Path) -> None:
    path = Dataset()
    path.ICCProfile = SRGB + b"\0" * (len(SRGB) % 2)
    one = picture(tmp_path / "a", COLOURS, OpticalPathSequence=Sequence([path]))
    two = picture(tmp_path / "b", COLOURS, OpticalPathSequence=Sequence([path, path]))
    assert profile_in(render(one, profiled=True)) == SRGB
    assert profile_in(render(two, profiled=True)) is None


@pytest.mark.parametrize(
    "profile",
    [b"", b"no profile at all", SRGB[:100], SRGB[:-100], SRGB[:16] + b"CMYK" + SRGB[20:], bytes(6 << 20)],
    # Named, for what a profile holds is the moment at which it was made: each process would have other tests.
    ids=["empty", "none", "begun", "cut", "of another kind", "too long"],
)
def test_what_is_no_profile_of_rgb_is_left_out(tmp_path: Path, profile: bytes) -> None:
    file = picture(tmp_path / "a", COLOURS, ICCProfile=profile + b"\0" * (len(profile) % 2))
    assert profile_in(render(file, profiled=True)) is None


def test_greys_have_none(tmp_path: Path) -> None:
    file = picture(tmp_path / "a", GREYS, ICCProfile=SRGB + b"\0" * (len(SRGB) % 2))
    assert profile_in(render(file, profiled=True)) is None
