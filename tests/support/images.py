"""Many images made from one, each an instance of its own."""

from __future__ import annotations

from pathlib import Path

from pydicom import dcmread


def copies(source: Path, folder: Path, count: int, study: int = 1) -> list[Path]:
    """`count` instances of one study in one series, with the pixels of `source`."""
    dataset = dcmread(source)
    dataset.pop(0xFFFCFFFC, None)  # dcmtk does not send it, and the bytes shall be comparable
    dataset.StudyInstanceUID = f"1.2.826.0.1.3680043.8.498.{study}"
    dataset.SeriesInstanceUID = f"{dataset.StudyInstanceUID}.1"
    dataset.PatientID = f"P{study}"
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(1, count + 1):
        dataset.SOPInstanceUID = f"{dataset.SeriesInstanceUID}.{number}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.InstanceNumber = number
        paths.append(folder / f"{study}-{number:04d}.dcm")
        dataset.save_as(paths[-1])
    return paths
