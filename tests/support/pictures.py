"""Small DICOM pictures made to order, and renderings as arrays."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from appliance.dicom.pixels import render

Pixels = NDArray[Any]


def picture(path: Path, pixels: Pixels | bytes, syntax: str = ExplicitVRLittleEndian, **attributes: Any) -> Path:
    """A Part 10 file with `pixels`, (rows, columns[, 3]) or already encoded; `attributes` have the last word."""
    dataset = Dataset()
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.SOPInstanceUID = "1.2.3"
    dataset.Modality = "OT"
    if isinstance(pixels, np.ndarray):
        _describe(dataset, pixels)
        pixels = pixels.tobytes()
    dataset.PixelData = pixels + b"\0" * (len(pixels) % 2)
    dataset["PixelData"].VR = "OB" if dataset.get("BitsAllocated", 8) <= 8 else "OW"
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return write(path, dataset, syntax)


def write(path: Path, dataset: Dataset, syntax: str = ExplicitVRLittleEndian) -> Path:
    """The data set as a Part 10 file."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    if "PixelData" in dataset and dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.save_as(path, enforce_file_format=True)
    return path


def rendered(path: Path, frame: int = 1, **wanted: Any) -> Pixels:
    """The lossless rendering, as (rows, columns) or (rows, columns, 3) of 0 to 255."""
    return opened(render(path, frame, media_type="image/png", **wanted))


def opened(file: bytes) -> Pixels:
    """A picture file's pixels."""
    with Image.open(BytesIO(file)) as image:
        return np.asarray(image)


def item(**attributes: Any) -> Sequence:
    """A sequence of one item."""
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return Sequence([dataset])


def _describe(dataset: Dataset, pixels: Pixels) -> None:
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
    dataset.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
    if pixels.ndim == 3:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = dataset.BitsStored = pixels.dtype.itemsize * 8
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
