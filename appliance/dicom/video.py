"""A film inside an instance: what kind it is and where its bytes lie (PS3.5 8.2.5 to 8.2.8, A.4.5 to A.4.8)."""

from __future__ import annotations

from pathlib import Path

from appliance.dicom import fragments
from appliance.dicom.extract import Extract
from appliance.dicom.source import UNDEFINED, NothingToShowError, Source, opened, refusing

_MPEG = "1.2.840.10008.1.2.4.10"
_TYPES = {"0": "video/mpeg", "1": "video/mpeg", "7": "video/h265", "8": "video/h265"}
"""By the digit behind `_MPEG`, where the bytes themselves don't tell; the rest is H.264."""


def is_video(syntax: str) -> bool:
    """Whether a transfer syntax is of films (PS3.6 table A-1: ...4.100 to ...4.108, and fragmentable ones)."""
    return syntax.startswith(_MPEG) and syntax[len(_MPEG) : len(_MPEG) + 1] in set("012345678")


def video(path: Path) -> Extract:
    """The film in the instance at `path`. Raises `NothingToShowError` when there is none."""
    with opened(path, ()) as source, refusing():
        if not is_video(source.syntax):
            raise NothingToShowError("The file is not a film.")
        if source.pixels is None or source.pixels.length != UNDEFINED:
            raise NothingToShowError("The file is a film without its pictures.")
        _, parts = fragments.fragments(source.file, source.pixels.offset)
        if not parts:
            raise NothingToShowError("The file is a film without its pictures.")
        return Extract(path, _media_type(source, parts), tuple(parts))


def _media_type(source: Source, parts: list[fragments.Extent]) -> str:
    """By its container, which the transfer syntax leaves open (PS3.5 8.2.7), else by its coding."""
    offset, length = parts[0]
    source.file.seek(offset)
    start = source.file.read(min(length, 512))
    if start[4:8] == b"ftyp":
        return "video/mp4"
    if start[:1] == b"G" and start[188:189] == b"G":
        return "video/mp2t"
    if start.startswith(b"\0\0\1\xba"):
        return "video/mpeg"
    return _TYPES.get(source.syntax[len(_MPEG) : len(_MPEG) + 1], "video/h264")
