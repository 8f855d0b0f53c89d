"""Which transfer syntax pixel data are in that come as a media type, and how to tell where that is not said."""

from __future__ import annotations

from collections.abc import Callable

from pydicom.uid import UID

from appliance.dicom.media_types import OCTETS, SYNTAXES, by_new_name, of_frames

_EXPLICIT = "1.2.840.10008.1.2.1"
_UNCOMPRESSED = frozenset(("", _EXPLICIT, "1.2.840.10008.1.2"))
_JPEG = "1.2.840.10008.1.2.4."
_BY_PROCESS = {0xC0: f"{_JPEG}50", 0xC1: f"{_JPEG}51", 0xC3: f"{_JPEG}70"}
"""By the marker of a JPEG's frame header (ISO/IEC 10918-1 table B.1)."""
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class NotTakenError(ValueError):
    """Pixel data of this kind are not taken; the message says which are."""


def syntax_of(media_type: str, said: str, told: str, start: Callable[[], bytes]) -> str:
    """The transfer syntax of pixel data of `media_type`; Explicit VR Little Endian for what is not compressed.

    `said` is what stood beside the media type, `told` what the metadata say; either may be empty. `start` gives the
    first bytes. Raises `NotTakenError`.
    """
    kind = by_new_name(media_type)
    if kind in ("", OCTETS):
        if said in _UNCOMPRESSED:
            return _EXPLICIT
        if _is_compressed(said):
            return said
        raise NotTakenError("its pixel data are in a transfer syntax that is not taken beside metadata")
    if kind not in SYNTAXES:
        raise NotTakenError(f"pixel data are taken as {OCTETS}, {', '.join(SYNTAXES)}")
    if not said:
        return told if of_frames(told) == kind else _told_by_itself(kind, start)
    if of_frames(said) != kind:
        raise NotTakenError(f"the transfer syntax that its pixel data came with is none of {kind}")
    return said


def _is_compressed(syntax: str) -> bool:
    uid = UID(syntax)
    return uid.is_transfer_syntax and not uid.is_private and uid.is_encapsulated


def _told_by_itself(kind: str, start: Callable[[], bytes]) -> str:
    """The default of the kind; of JPEG that of its process, since many who send a lossy one leave it out."""
    default = SYNTAXES[kind][0]
    return _BY_PROCESS.get(_process(start()), default) if kind == "image/jpeg" else default


def _process(data: bytes) -> int:
    """The marker of the frame header, 0 when there is none in these bytes."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        if data[at + 1] in _FRAME_HEADERS:
            return data[at + 1]
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return 0
