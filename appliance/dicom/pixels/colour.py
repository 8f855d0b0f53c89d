"""Three samples a pixel to RGB of 8 bits (PS3.3 C.7.6.3.1.2)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from appliance.dicom.pixels.layout import Decoded
from appliance.dicom.source import NothingToShowError

_STUDIO_SWING = np.array([[255 / 219, 0, 1.596], [255 / 219, -0.392, -0.813], [255 / 219, 2.017, 0]], np.float32)
"""ITU-R BT.601 from YCbCr of 16 to 235, for the retired YBR_PARTIAL kinds."""


def rgb(decoded: Decoded) -> NDArray[np.uint8]:
    """The frame as (rows, columns, 3). Raises `NothingToShowError` for a colour model that nobody knows."""
    values = _of_8_bits(decoded)
    match decoded.photometric:
        case "RGB" | "YBR_ICT" | "YBR_RCT":
            return values
        case "YBR_FULL" | "YBR_FULL_422":
            size = (values.shape[1], values.shape[0])
            return np.asarray(Image.frombytes("YCbCr", size, values.tobytes()).convert("RGB"))
        case "YBR_PARTIAL_422" | "YBR_PARTIAL_420":
            shifted = values.astype(np.float32) - np.array([16, 128, 128], np.float32)
            return np.asarray((shifted @ _STUDIO_SWING.T + 0.5).clip(0, 255), np.uint8)
        case other:
            raise NothingToShowError(f"Pictures in the colour model {other} cannot be shown.")


def _of_8_bits(decoded: Decoded) -> NDArray[Any]:
    if decoded.values.dtype == np.uint8 and decoded.bits == 8:
        return decoded.values
    top = (1 << decoded.bits) - 1
    return np.asarray((decoded.values >> decoded.shift & top) * (255 / top) + 0.5, np.uint8)
