"""Media types of stored frames."""

from __future__ import annotations

import pytest

from appliance.dicom.media_types import OCTETS, SYNTAXES, by_new_name, of_frames


@pytest.mark.parametrize(
    ("syntax", "media_type"),
    [
        ("1.2.840.10008.1.2.1", OCTETS),
        ("1.2.840.10008.1.2.5", "image/dicom-rle"),
        ("1.2.840.10008.1.2.4.203", "image/jphc"),
        ("1.2.840.10008.1.2.4.100.1", "video/mpeg"),
        ("1.2.840.10008.1.2.4.106.1", "video/mp4"),
        ("1.2.840.10008.1.2.4.50.1", OCTETS),
    ],
)
def test_a_frame_is_called_by_its_transfer_syntax(syntax: str, media_type: str) -> None:
    assert of_frames(syntax) == media_type


def test_each_transfer_syntax_has_one_media_type() -> None:
    assert all(of_frames(syntax) == kind for kind, syntaxes in SYNTAXES.items() for syntax in syntaxes)


def test_yesterdays_names_are_understood() -> None:
    assert [by_new_name(kind) for kind in ("image/x-jls", "image/jp2")] == ["image/jls", "image/jp2"]
