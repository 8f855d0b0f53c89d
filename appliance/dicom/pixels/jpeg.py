"""JPEG of all processes (ISO/IEC 10918-1), and what colours its components really are.

The header's photometric interpretation is often wrong for JPEG, as equipment keeps what it was before the
compression; the stream's own markers tell.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from libjpeg.utils import decode as libjpeg
from numpy.typing import NDArray
from PIL.JpegImagePlugin import JpegImageFile

from appliance.dicom.pixels.layout import Decoded, Layout

_FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
_LOSSLESS = {0xC3, 0xC7, 0xCB, 0xCF}
_PILLOW_READS = {0xC0, 0xC1, 0xC2}
_RGB_NAMES = (b"RGB", b"rgb")
_ADOBE = struct.Struct(">5sHHHB")


@dataclass(frozen=True)
class Stream:
    """What the markers before the first scan say."""

    process: int
    """The frame header's marker: C0 baseline, C1 extended, C2 progressive, C3 lossless, F7 JPEG-LS."""
    precision: int
    rows: int
    columns: int
    names: bytes
    """The components' identifiers, one byte each."""
    subsampled: bool
    adobe: int | None
    """Adobe's colour transform: 0 none, 1 YCbCr."""
    jfif: bool

    def check(self, layout: Layout) -> None:
        """Raises `ValueError` when the stream is of another size than the header says."""
        if (self.rows, self.columns, len(self.names)) != (layout.rows, layout.columns, layout.samples):
            raise ValueError(differs(self.columns, self.rows, len(self.names), layout))

    @property
    def taken_for_rgb(self) -> bool:
        """Whether Pillow's decoder believes three components to be RGB, and so would leave them alone."""
        return not self.jfif and (self.names == b"RGB" if self.adobe is None else self.adobe == 0)

    def photometric(self, said: str) -> str:
        """What three components are; `said` is the header's word, taken where the stream says nothing."""
        if self.subsampled:
            return "YBR_FULL"
        if self.names in _RGB_NAMES:
            return "RGB"
        if self.adobe is not None:
            return "YBR_FULL" if self.adobe else "RGB"
        # dcmtk writes JFIF markers into lossless streams, whose colours nobody transforms.
        if self.jfif and self.process not in _LOSSLESS:
            return "YBR_FULL"
        return "RGB" if said == "RGB" else "YBR_FULL"


def differs(columns: int, rows: int, samples: int, layout: Layout) -> str:
    """The sentence for a codestream of another size than its header."""
    return (
        f"its compressed picture is {columns} x {rows} x {samples}, "
        f"its header says {layout.columns} x {layout.rows} x {layout.samples}"
    )


def read(data: bytes) -> Stream:
    """The markers up to the frame header. Raises `ValueError` when there is none."""
    adobe, jfif = None, False
    for marker, segment, _ in _segments(data):
        if marker in _FRAMES:
            return _frame_header(marker, segment, adobe, jfif)
        if marker == 0xE0 and segment.startswith(b"JFIF"):
            jfif = True
        if marker == 0xEE and segment.startswith(b"Adobe") and len(segment) >= _ADOBE.size:
            adobe = _ADOBE.unpack_from(segment)[4]
    raise ValueError("its JPEG data has no frame header")


def decode(data: bytes, layout: Layout) -> Decoded:
    """The components as they are in the stream, upsampled but not converted."""
    stream = read(data)
    stream.check(layout)
    colours = stream.photometric(layout.photometric) if layout.samples == 3 else layout.photometric
    if stream.precision == 8 and stream.process in _PILLOW_READS:
        return Decoded(_by_pillow(data, stream), 8, 0, colours)
    values = libjpeg(_with_whole_spectrum(data) if stream.process == 0xC1 else data)
    bits = min(stream.precision, layout.stored)
    return Decoded(values.view(f"u{values.dtype.itemsize}"), bits, 0, colours)


def _by_pillow(data: bytes, stream: Stream) -> NDArray[Any]:
    """Three times as fast as libjpeg, for the processes that it knows."""
    with JpegImageFile(BytesIO(data)) as image:
        if not stream.taken_for_rgb:
            image.draft("YCbCr", image.size)
        return np.asarray(image)


def _with_whole_spectrum(data: bytes) -> bytes:
    """Sequential scans have all 64 coefficients; some 12-bit files of old say none, and decoders refuse them."""
    for marker, segment, offset in _segments(data):
        if marker == 0xDA:
            place = offset + len(segment) - 3
            return data[:place] + b"\0\x3f\0" + data[place + 3 :]
    return data


def _segments(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Marker, content and its offset of each segment up to the first scan's header."""
    offset, marker = data.find(b"\xff\xd8") + 2, 0
    while marker != 0xDA and offset >= 2 and data[offset : offset + 1] == b"\xff" and offset + 4 <= len(data):
        marker, length = data[offset + 1], struct.unpack_from(">H", data, offset + 2)[0]
        if marker == 0xFF:
            offset += 1
            continue
        yield marker, data[offset + 4 : offset + 2 + length], offset + 4
        offset += 2 + length


def _frame_header(marker: int, segment: bytes, adobe: int | None, jfif: bool) -> Stream:
    precision, rows, columns, count = struct.unpack_from(">BHHB", segment)
    components = segment[6 : 6 + 3 * count]
    return Stream(
        process=marker,
        precision=precision,
        rows=rows,
        columns=columns,
        names=components[::3],
        subsampled=len(set(components[1::3])) > 1,
        adobe=adobe,
        jfif=jfif,
    )
