"""What the colours of an image mean (ICC profile, PS3.3 C.11.15): it goes along in the picture where asked."""

from __future__ import annotations

from pydicom.dataset import Dataset

from appliance.dicom.pixels import lenient

KEYWORDS = ("ICCProfile", "OpticalPathSequence")

_HEAD = 128
_LARGEST = 4 << 20
"""Bytes; those of scanners have a few hundred thousand."""


def profile(header: Dataset) -> bytes:
    """The profile of the image's RGB; empty when there is none, or none that a picture file could hold.

    That of an optical path counts where there is one path alone.
    """
    paths = lenient.items(header, "OpticalPathSequence")
    for place in (header, *(paths if len(paths) == 1 else ())):
        value = lenient.value(place, "ICCProfile")
        if isinstance(value, bytes) and _is_of_rgb(value):
            # Without the byte that makes its length even.
            return value[: int.from_bytes(value[:4], "big")]
    return b""


def _is_of_rgb(value: bytes) -> bool:
    size = int.from_bytes(value[:4], "big")
    return _HEAD < size <= min(len(value), _LARGEST) and (value[16:20], value[36:40]) == (b"RGB ", b"acsp")
