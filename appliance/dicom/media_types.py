"""What a transfer syntax is called as a media type (PS3.18 tables 8.7.3-2, -4 and -5)."""

from __future__ import annotations

from appliance.dicom.video import is_video

OCTETS = "application/octet-stream"

_COMPRESSED = "1.2.840.10008.1.2.4."
SYNTAXES = {
    "image/jpeg": tuple(f"{_COMPRESSED}{kind}" for kind in (70, 50, 51, 57)),
    "image/jls": tuple(f"{_COMPRESSED}{kind}" for kind in (80, 81)),
    "image/jp2": tuple(f"{_COMPRESSED}{kind}" for kind in (90, 91)),
    "image/jpx": tuple(f"{_COMPRESSED}{kind}" for kind in (92, 93)),
    "image/jphc": tuple(f"{_COMPRESSED}{kind}" for kind in (201, 202, 203)),
    "image/dicom-rle": ("1.2.840.10008.1.2.5",),
    "video/mpeg": tuple(f"{_COMPRESSED}{kind}" for kind in (100, 101)),
    "video/mp4": tuple(f"{_COMPRESSED}{kind}" for kind in range(102, 109)),
}
"""The transfer syntaxes of a media type, its default first; those of films have fragmentable ones beside."""
_TYPES = {syntax: media_type for media_type, syntaxes in SYNTAXES.items() for syntax in syntaxes}
_OLD_NAMES = {"image/x-dicom-rle": "image/dicom-rle", "image/x-jls": "image/jls"}


def of_frames(syntax: str) -> str:
    """What a stored frame in this transfer syntax is; plain octets when it has no name of its own."""
    # A fragmentable film's has a number more (PS3.5 A.4.5).
    known = syntax.rpartition(".")[0] if is_video(syntax) and syntax not in _TYPES else syntax
    return _TYPES.get(known, OCTETS)


def by_new_name(media_type: str) -> str:
    """The name of today for one of yesterday."""
    return _OLD_NAMES.get(media_type, media_type)
