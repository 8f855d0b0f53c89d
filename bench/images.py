"""Files to send, made on the fly: real headers with many elements, and pixels that nobody was harmed for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import FileDataset
from pydicom.uid import JPEG2000Lossless

_ROOT = "1.2.826.0.1.3680043.8.498"


def ct(folder: Path, count: int) -> list[Path]:
    """CT slices of 525 KB."""
    return _series(folder, count, _image(512, 512), 1)


def small(folder: Path, count: int) -> list[Path]:
    """Images of 17 KB."""
    return _series(folder, count, _image(76, 76), 2)


def warmup(folder: Path) -> list[Path]:
    """Some small images of a study of their own, for what is done once in a process's life."""
    return _series(folder, 20, _image(76, 76), 5)


def jpeg2000(folder: Path, count: int) -> list[Path]:
    """The same as CT slices in JPEG 2000, lossless, about 190 KB."""
    dataset = _image(512, 512, noise=12)
    dataset.compress(JPEG2000Lossless, encoding_plugin="pylibjpeg", generate_instance_uid=False)
    return _series(folder, count, dataset, 3)


def multiframe(folder: Path, count: int) -> list[Path]:
    """Films of 50 MB, 100 frames."""
    dataset = _image(512, 512)
    dataset.PixelData = dataset.PixelData * 100
    dataset.NumberOfFrames = 100
    return _series(folder, count, dataset, 4)


def _image(rows: int, columns: int, noise: int = 20) -> FileDataset:
    dataset = dcmread(get_testdata_file("CT_small.dcm"))
    # dcmtk does not send the padding at the end.
    dataset.pop(0xFFFCFFFC, None)
    chance = np.random.default_rng(rows)
    slope = np.linspace(0, 900, columns)[None, :] + np.linspace(0, 600, rows)[:, None]
    dataset.PixelData = (slope + chance.normal(0, noise, (rows, columns))).astype("<i2").tobytes()
    dataset.Rows, dataset.Columns = rows, columns
    return dataset


def _series(folder: Path, count: int, dataset: FileDataset, number: int) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    dataset.StudyInstanceUID = f"{_ROOT}.{number}"
    dataset.SeriesInstanceUID = f"{_ROOT}.{number}.1"
    dataset.PatientID = f"BENCH{number}"
    paths = []
    for index in range(1, count + 1):
        dataset.SOPInstanceUID = f"{_ROOT}.{number}.1.{index}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.InstanceNumber = index
        paths.append(folder / f"{index:05d}.dcm")
        dataset.save_as(paths[-1])
    return paths
