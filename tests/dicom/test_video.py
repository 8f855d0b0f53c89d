"""Films inside instances."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.encaps import encapsulate

from appliance.dicom.source import NothingToShowError
from appliance.dicom.video import is_video, video
from tests.support.files import shared
from tests.support.pictures import picture

MPEG = "1.2.840.10008.1.2.4.10"
MP4 = b"\0\0\0\x18ftypisom" + bytes(range(256)) * 40


def _film(path: Path, content: bytes, fragments: int = 1, syntax: str = f"{MPEG}2.1") -> Path:
    data = encapsulate([content], fragments_per_frame=fragments, has_bot=False)
    return picture(path, np.zeros((4, 4, 3), np.uint8), syntax, NumberOfFrames=90, PixelData=data)


@pytest.mark.parametrize("fragments", [1, 7])
def test_fragments_become_one_stream(tmp_path: Path, fragments: int) -> None:
    found = video(_film(tmp_path / "a", MP4, fragments))
    assert found.media_type == "video/mp4"
    assert found.size == len(MP4)
    assert b"".join(found.chunks()) == MP4


@pytest.mark.parametrize(("start", "stop"), [(0, 10), (100, 4000), (10000, None), (5, 5), (0, 10**9)])
def test_any_range_of_it_as_players_ask(tmp_path: Path, start: int, stop: int | None) -> None:
    found = video(_film(tmp_path / "a", MP4, 7))
    assert b"".join(found.chunks(start, stop)) == MP4[start:stop]


@pytest.mark.parametrize(
    ("content", "syntax", "media_type"),
    [
        (MP4, f"{MPEG}7", "video/mp4"),
        ((b"G" + bytes(187)) * 3, f"{MPEG}2", "video/mp2t"),
        (b"\0\0\1\xba" + bytes(20), f"{MPEG}2", "video/mpeg"),
        (b"\0\0\1\xb3" + bytes(20), f"{MPEG}0", "video/mpeg"),
        (b"\0\0\0\1\x67" + bytes(21), f"{MPEG}5", "video/h264"),
        (b"\0\0\0\1\x40" + bytes(21), f"{MPEG}8", "video/h265"),
    ],
)
def test_the_container_tells_the_media_type(tmp_path: Path, content: bytes, syntax: str, media_type: str) -> None:
    assert video(_film(tmp_path / "a", content, syntax=syntax)).media_type == media_type


def test_transfer_syntaxes_of_films() -> None:
    assert all(is_video(f"{MPEG}{kind}") for kind in ("0", "0.1", "1", "2", "2.1", "6.1", "7", "8"))
    assert not any(is_video(syntax) for syntax in ("1.2.840.10008.1.2.4.1", "1.2.840.10008.1.2.4.50", f"{MPEG}", ""))


def test_a_picture_is_no_film() -> None:
    with pytest.raises(NothingToShowError, match="not a film"):
        video(shared("transfer-syntaxes", "CTImage.dcm"))


def test_a_film_that_ends_early_is_refused(tmp_path: Path) -> None:
    path = _film(tmp_path / "a", MP4)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(NothingToShowError, match="ends in the middle"):
        video(path)
