"""Which transfer syntax pixel data are in that come as a media type (PS3.18 tables 8.7.3-2, -4 and -5)."""

from __future__ import annotations

from collections.abc import Callable

from pydicom.uid import UID

from appliance.dicom.video import is_video

_EXPLICIT = "1.2.840.10008.1.2.1"
_UNCOMPRESSED = frozenset(("", _EXPLICIT, "1.2.840.10008.1.2"))
_JPEG = "1.2.840.10008.1.2.4."
_OCTETS = "application/octet-stream"
_SYNTAXES = {
    "image/jpeg": tuple(f"{_JPEG}{kind}" for kind in (70, 50, 51, 57)),
    "image/jls": tuple(f"{_JPEG}{kind}" for kind in (80, 81)),
    "image/jp2": tuple(f"{_JPEG}{kind}" for kind in (90, 91)),
    "image/jpx": tuple(f"{_JPEG}{kind}" for kind in (92, 93)),
    "image/jphc": tuple(f"{_JPEG}{kind}" for kind in (201, 202, 203)),
    "image/dicom-rle": ("1.2.840.10008.1.2.5",),
    "video/mpeg": (f"{_JPEG}100", f"{_JPEG}101"),
    "video/mp4": tuple(f"{_JPEG}{kind}" for kind in (102, 103, 104, 105, 106, 107, 108)),
}
"""Those of a media type, the default first."""
_OLD_NAMES = {"image/x-dicom-rle": "image/dicom-rle", "image/x-jls": "image/jls"}
_BY_PROCESS = {0xC0: f"{_JPEG}50", 0xC1: f"{_JPEG}51", 0xC3: f"{_JPEG}70"}
"""By the marker of a JPEG's frame header (ISO/IEC 10918-1 table B.1)."""
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class NotTakenError(ValueError):
    """Pixel data of this kind are not taken; the message says which are."""


def is_film(syntax: str) -> bool:
    """Whether all frames are one stream of bytes."""
    return is_video(syntax)


def syntax_of(media_type: str, said: str, told: str, start: Callable[[], bytes]) -> str:
    """The transfer syntax of pixel data of `media_type`; Explicit VR Little Endian for what is not compressed.

    `said` is what stood beside the media type, `told` what the metadata say; either may be empty. `start` gives the
    first bytes. Raises `NotTakenError`.
    """
    kind = _OLD_NAMES.get(media_type, media_type)
    if kind in ("", _OCTETS):
        if said in _UNCOMPRESSED:
            return _EXPLICIT
        if _is_compressed(said):
            return said
        raise NotTakenError("its pixel data are in a transfer syntax that is not taken beside metadata")
    if kind not in _SYNTAXES:
        raise NotTakenError(f"pixel data are taken as {_OCTETS}, {', '.join(_SYNTAXES)}")
    if not said:
        return told if _fits(kind, told) else _told_by_itself(kind, start)
    if not _fits(kind, said):
        raise NotTakenError(f"the transfer syntax that its pixel data came with is none of {kind}")
    return said


def _fits(kind: str, syntax: str) -> bool:
    return syntax in _SYNTAXES[kind] or (is_video(syntax) and syntax.rpartition(".")[0] in _SYNTAXES[kind])


def _is_compressed(syntax: str) -> bool:
    uid = UID(syntax)
    return uid.is_transfer_syntax and not uid.is_private and uid.is_encapsulated


def _told_by_itself(kind: str, start: Callable[[], bytes]) -> str:
    """The default of the kind; of JPEG that of its process, since many who send a lossy one leave it out."""
    default = _SYNTAXES[kind][0]
    return _BY_PROCESS.get(_process(start()), default) if kind == "image/jpeg" else default


def _process(data: bytes) -> int:
    """The marker of the frame header, 0 when there is none in these bytes."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        if data[at + 1] in _FRAME_HEADERS:
            return data[at + 1]
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return 0
