"""What a transfer syntax is called as a media type (PS3.18 tables 8.7.3-2, -4 and -5)."""

from __future__ import annotations

from appliance.dicom.video import is_video

OCTETS = "application/octet-stream"

_COMPRESSED = "1.2.840.10008.1.2.4."
_IMAGES = {
    **dict.fromkeys((50, 51, 57, 70), "image/jpeg"),
    **dict.fromkeys((80, 81), "image/jls"),
    **dict.fromkeys((90, 91), "image/jp2"),
    **dict.fromkeys((92, 93), "image/jpx"),
    **dict.fromkeys((201, 202, 203), "image/jphc"),
}
_TYPES = {f"{_COMPRESSED}{kind}": name for kind, name in _IMAGES.items()} | {"1.2.840.10008.1.2.5": "image/dicom-rle"}
_OLD_NAMES = {"image/x-dicom-rle": "image/dicom-rle", "image/x-jls": "image/jls"}
_VIDEO = {"0": "video/mpeg", "1": "video/mpeg"}


def of_frames(syntax: str) -> str:
    """What a stored frame in this transfer syntax is; plain octets when it has no name of its own."""
    if is_video(syntax):
        return _VIDEO.get(syntax.removeprefix(f"{_COMPRESSED}10")[:1], "video/mp4")
    return _TYPES.get(syntax, OCTETS)


def by_new_name(media_type: str) -> str:
    """The name of today for one of yesterday."""
    return _OLD_NAMES.get(media_type, media_type)
