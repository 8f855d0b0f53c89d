"""One frame of stored values, whatever the transfer syntax; no other frame is read or decoded."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from pydicom.uid import UID

from appliance.dicom import fragments
from appliance.dicom.pixels import codecs, jpeg, native
from appliance.dicom.pixels.layout import Decoded, Layout, pixels_of
from appliance.dicom.source import UNDEFINED, Bulk, NothingToShowError, Source
from appliance.dicom.video import is_video

Codec = Callable[[bytes, Layout], Decoded]

_PREFIX = "1.2.840.10008.1.2"
_NATIVE = (_PREFIX, f"{_PREFIX}.1", f"{_PREFIX}.1.99", f"{_PREFIX}.2")


def _uncompressed(data: bytes, layout: Layout) -> Decoded:
    return native.unpacked(data, layout)


def _deflated(data: bytes, layout: Layout) -> Decoded:
    """Deflated Image Frame Compression; what is beyond the frame's length is never inflated."""
    size = (layout.frame_bits + 7) // 8
    return native.unpacked(zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, size), layout)


_CODECS: dict[str, Codec] = {
    f"{_PREFIX}.1.98": _uncompressed,
    f"{_PREFIX}.8.1": _deflated,
    # The retired processes too (PS3.5 A.4.1 of 1998): archives of that age are what clinics migrate from.
    **{f"{_PREFIX}.4.{process}": jpeg.decode for process in (*range(50, 67), 70)},
    **{f"{_PREFIX}.4.{kind}": codecs.jpeg_ls for kind in (80, 81)},
    **{f"{_PREFIX}.4.{kind}": codecs.jpeg_2000 for kind in (90, 91, 201, 202, 203)},
    f"{_PREFIX}.5": codecs.run_length,
}
COMPRESSED = frozenset(_CODECS)
"""The transfer syntaxes of encapsulated pixels that can be decoded."""


def decode(source: Source, layout: Layout, index: int) -> Decoded:
    """The stored values of frame `index`, counted from 0.

    Raises `NothingToShowError` when the transfer syntax is no image's or not known, and what `FAULTS` lists
    when the data is damaged.
    """
    bulk = pixels_of(source)
    if source.syntax in _NATIVE and bulk.length != UNDEFINED:
        return native.decode(source, bulk, layout, index)
    codec = _CODECS.get(source.syntax)
    if codec is None:
        raise NothingToShowError(_unknown(source.syntax))
    return codec(_encapsulated(source, bulk, layout, index), layout)


def _encapsulated(source: Source, bulk: Bulk, layout: Layout, index: int) -> bytes:
    if bulk.length != UNDEFINED:
        raise ValueError("its pixel data is compressed but not in fragments")
    table = source.header.get("ExtendedOffsetTable")
    table = table if isinstance(table, bytes) else b""
    return fragments.joined(source.file, fragments.frame(source.file, bulk.offset, index, layout.frames, table))


def _unknown(syntax: str) -> str:
    if is_video(syntax):
        return "The file is a film: play it as a video."
    if syntax in _NATIVE:
        return "The file is damaged: its pixel data is in fragments but not compressed."
    return f"The picture is compressed in a way that cannot be shown: {UID(syntax).name}."
