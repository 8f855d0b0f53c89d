"""A compressed instance as Explicit VR Little Endian, frame by frame: memory for one frame, however many.

Meant for worker processes, as all decoding.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread, dcmwrite
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from appliance.dicom.pixels import colour
from appliance.dicom.pixels import layout as layouts
from appliance.dicom.pixels.decode import COMPRESSED, decode
from appliance.dicom.pixels.layout import Decoded, Layout
from appliance.dicom.source import NothingToShowError, Source, opened, refusing
from appliance.dicom.uid import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

_KEYWORDS = (*layouts.KEYWORDS, "ExtendedOffsetTable")
_LOSSY = frozenset(f"1.2.840.10008.1.2.4.{kind}" for kind in (50, 51, 52, 53, 54, 55, 56, 81, 91, 203))
_PIXEL_DATA = 0x7FE00010
_LONGEST = 0xFFFFFFFE
"""Bytes of an element with a length (PS3.5 7.1.1)."""


@dataclass(frozen=True)
class Beginning:
    """A decompressed instance up to its second frame."""

    head: bytes
    """The file up to its pixels' first byte."""
    first: bytes
    """The first frame."""
    frames: int
    """All are as long as the first; then comes `pad`."""
    pad: bytes


def begin(path: Path) -> Beginning:
    """The beginning of the instance at `path`, decompressed.

    What stands behind the pixels, such as signatures that no longer hold, is left out. Raises
    `NothingToShowError` when it can't be decompressed.
    """
    with opened(path, _KEYWORDS) as source, refusing():
        layout = _checked(source)
        decoded = _shown(decode(source, layout, 0))
        first = _bytes(decoded, layout)
        length = len(first) * layout.frames
        if length > _LONGEST:
            raise NothingToShowError("The file decompresses to more than 4 GB.")
        return Beginning(_head(path, source, layout, decoded, length), first, layout.frames, b"\0" * (length % 2))


def frame(path: Path, index: int) -> bytes:
    """Frame `index`, from 0, of the instance at `path` as its pixels are in Explicit VR Little Endian.

    Raises `NothingToShowError` when it can't be decompressed.
    """
    with opened(path, _KEYWORDS) as source, refusing():
        layout = _checked(source)
        return _bytes(_shown(decode(source, layout, index)), layout)


def _checked(source: Source) -> Layout:
    layout = layouts.layout(source)
    if source.syntax not in COMPRESSED:
        raise NothingToShowError("The file's compression is not one that can be undone.")
    if layout.allocated not in (8, 16, 32):
        raise NothingToShowError(f"Compressed pixels of {layout.allocated} bits are unknown.")
    return layout


def _shown(decoded: Decoded) -> Decoded:
    """Colours of 8 bits as RGB, which every reader understands; the rest as it is."""
    if decoded.values.ndim == 2 or decoded.photometric == "RGB" or decoded.values.dtype != np.uint8:
        return decoded
    return Decoded(colour.rgb(decoded), 8, 0, "RGB")


def _bytes(decoded: Decoded, layout: Layout) -> bytes:
    """The frame by pixel (PS3.3 C.7.6.3.1.3), little-endian, the sign carried on to the highest bit."""
    values = decoded.values.astype(f"<u{layout.allocated // 8}")
    if layout.signed and decoded.bits < layout.allocated:
        values = _sign_extended(values, decoded.bits + decoded.shift)
    if values.shape[:2] != (layout.rows, layout.columns):
        raise ValueError("its compressed picture is of another size than its header says")
    return values.tobytes()


def _sign_extended(values: NDArray[Any], bits: int) -> NDArray[Any]:
    unused = values.dtype.itemsize * 8 - bits
    signed = values.dtype.str.replace("u", "i")
    return ((values << unused).view(signed) >> unused).view(values.dtype)


def _head(path: Path, source: Source, layout: Layout, decoded: Decoded, length: int) -> bytes:
    dataset = dcmread(path, stop_before_pixels=True, force=True)
    dataset.PhotometricInterpretation = decoded.photometric
    if layout.samples > 1:
        dataset.PlanarConfiguration = 0
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if keyword in dataset:
            del dataset[keyword]
    if source.syntax in _LOSSY and not dataset.get("LossyImageCompression"):
        dataset.LossyImageCompression = "01"
    file = BytesIO()
    dataset.file_meta = _meta(dataset)
    dcmwrite(file, dataset, enforce_file_format=True)
    vr = b"OB" if layout.allocated == 8 else b"OW"
    file.write(_tag(_PIXEL_DATA) + vr + b"\0\0" + (length + length % 2).to_bytes(4, "little"))
    return file.getvalue()


def _meta(dataset: FileDataset) -> FileMetaDataset:
    """A header of our own: who decompressed it."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION_CLASS_UID
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    return meta


def _tag(tag: int) -> bytes:
    return (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little")
