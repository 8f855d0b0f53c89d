"""Where real DICOM files for tests are."""

from __future__ import annotations

from pathlib import Path

import pydicom.data

from tests.support.programs import lacking

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
PYDICOM = Path(pydicom.data.__file__).parent


def shared(*parts: str) -> Path:
    """A file or folder of the shared data; skips where it is absent, unless peers are required."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        lacking(f"the shared DICOM files are not beside the project: {path}")
    return path


def brainix() -> list[Path]:
    """One MR study of two series, 44 files."""
    return sorted(shared("brainix-mr").glob("*.dcm"))


def knee() -> list[Path]:
    """One MR study of two series, 50 files, JPEG 2000."""
    return sorted(shared("knee-mr").glob("*.dcm"))


def pydicom_files() -> list[Path]:
    """The DICOM files that pydicom's package ships: test files and character sets."""
    folders = ("test_files", "charset_files")
    return sorted(path for folder in folders for path in (PYDICOM / folder).rglob("*.dcm"))


def every_file() -> list[Path]:
    """Every DICOM file of the shared data and of pydicom's package, and what is called one."""
    roots = (shared(), PYDICOM / "test_files", PYDICOM / "charset_files")
    paths = (path for root in roots for path in sorted(root.rglob("*")) if path.is_file())
    return [path for path in paths if path.suffix == ".dcm" or _begins_as_dicom(path)]


def _begins_as_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"
