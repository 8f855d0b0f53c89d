"""The compressed kinds other than JPEG: JPEG-LS, JPEG 2000 with its high-throughput kind, run lengths."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import jpeg_ls as charls
import numpy as np
from openjpeg.utils import decode as openjpeg
from rle.rle import decode_segment

from appliance.dicom.pixels import jpeg, native
from appliance.dicom.pixels.layout import Decoded, Layout


def jpeg_ls(data: bytes, layout: Layout) -> Decoded:
    """ISO/IEC 14495-1; its frame header is JPEG's."""
    stream = jpeg.read(data)
    stream.check(layout)
    buffer, info = charls.decode_pixel_data(data)
    values = np.frombuffer(buffer, "u1" if stream.precision <= 8 else "<u2")
    values = native.in_shape(values, layout, by_plane=info["interleave_mode"] == 0)
    return Decoded(values, stream.precision, 0, layout.photometric)


def jpeg_2000(data: bytes, layout: Layout) -> Decoded:
    """ISO/IEC 15444-1 and -15. The decoder undoes the colour transform that the codestream names."""
    stream = _read_j2k(data)
    if (stream.rows, stream.columns, stream.samples) != (layout.rows, layout.columns, layout.samples):
        raise ValueError(jpeg.differs(stream.columns, stream.rows, stream.samples, layout))
    values = openjpeg(data)
    values = values.view(f"u{values.dtype.itemsize}")
    transformed = stream.transformed or layout.photometric in ("YBR_ICT", "YBR_RCT")
    photometric = "RGB" if layout.samples == 3 and transformed else layout.photometric
    return Decoded(values, stream.precision, 0, photometric)


def run_length(data: bytes, layout: Layout) -> Decoded:
    """PS3.5 annex G: a segment for each byte of each sample, the highest first, by plane in any case."""
    width = (layout.allocated + 7) // 8
    planes = np.zeros((layout.samples, layout.pixels, width), np.uint8)
    for place, segment in enumerate(_segments(data, layout.samples * width)):
        # By segments, as the library panics when it is given a whole frame and one unpacks to more than it should.
        flat = np.frombuffer(decode_segment(segment), np.uint8)
        if layout.allocated == 1:
            flat = np.unpackbits(flat, bitorder="little")
        if len(flat) < layout.pixels:
            raise ValueError("one of its run-length segments is too short")
        planes[place // width, :, width - 1 - place % width] = flat[: layout.pixels]
    values = native.in_shape(planes.view(f"<u{width}").ravel(), layout, by_plane=True)
    return Decoded(values, layout.stored, layout.shift, layout.photometric)


def _segments(data: bytes, expected: int) -> list[bytes]:
    count, *offsets = struct.unpack_from("<16I", data)
    if count != expected:
        raise ValueError(f"it has {count} run-length segments, not {expected}")
    starts = offsets[:count]
    segments = [data[start:end] for start, end in zip(starts, [*starts[1:], len(data)], strict=True)]
    if not all(segments):
        raise ValueError("one of its run-length segments is empty")
    return segments


@dataclass(frozen=True)
class _J2k:
    rows: int
    columns: int
    samples: int
    precision: int
    transformed: bool


def _read_j2k(data: bytes) -> _J2k:
    """The main header (ISO/IEC 15444-1 A.5.1 and A.6.1), behind the boxes of a JP2 file if there are any."""
    start = data.find(b"\xff\x4f\xff\x51")
    if start < 0:
        raise ValueError("its JPEG 2000 data has no header")
    width, height, left, top = struct.unpack_from(">4I", data, start + 8)
    samples, depth = struct.unpack_from(">H", data, start + 40)[0], data[start + 42]
    coding = _marker(data, start + 2, 0xFF52)
    return _J2k(height - top, width - left, samples, (depth & 0x7F) + 1, coding > 0 and data[coding + 8] == 1)


def _marker(data: bytes, offset: int, marker: int) -> int:
    """Where a marker segment of the main header begins; 0 if the first tile comes before it."""
    while offset + 4 <= len(data):
        found, length = struct.unpack_from(">HH", data, offset)
        if found == marker:
            return offset
        if found == 0xFF90:
            break
        offset += 2 + length
    return 0
