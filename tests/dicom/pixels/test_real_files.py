"""Files of many makers: our renderings against pydicom's own pipeline."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut, pixel_array

from appliance.dicom.pixels import NothingToShowError, render
from tests.support.files import PYDICOM, SHARED, shared
from tests.support.pictures import rendered

TEST_FILES = PYDICOM / "test_files"

# pydicom cannot decode these, knows no functional groups, or keeps pixels that are not square; see further below.
NOT_BY_PYDICOM = {
    "JPEGProcess6_8_1.2.840.10008.1.2.4.53.dcm",
    "JPEGProcess10_12_1.2.840.10008.1.2.4.55.dcm",
    "CT0012.fragmented_no_bot_jpeg_baseline.51.dcm",
    "JPEG-lossy.dcm",
    "badVR.dcm",
    "6293",
    "6924",
}

DAMAGED = {
    "MR_truncated.dcm": "ends in the middle of its pixel data",
    "JPEG2000-embedded-sequence-delimiter.dcm": "its header says 256 x 1024 x 1",
    "fo-GH1146.dcm": "no pixel data",
    "nested_priv_SQ.dcm": "how many rows and columns",
    "meta_missing_tsyntax.dcm": "does not name a transfer syntax",
}


def _files(*folders: Path) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())


def _grey(dataset: Dataset, stored: NDArray[Any]) -> NDArray[Any]:
    """The greys by pydicom's functions, whose output ranges are the standard's."""
    modality = apply_modality_lut(stored, dataset)
    if dataset.get("WindowCenter") is None and not dataset.get("VOILUTSequence"):
        return _automatic(dataset, modality)
    low, high = 0.0, float(2**dataset.BitsStored - 1)
    if dataset.PixelRepresentation:
        low, high = -(2.0 ** (dataset.BitsStored - 1)), 2.0 ** (dataset.BitsStored - 1) - 1
    if dataset.get("ModalityLUTSequence"):
        low, high = 0, 2 ** dataset.ModalityLUTSequence[0].LUTDescriptor[2] - 1
    elif "RescaleSlope" in dataset:
        low, high = (v * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept) for v in (low, high))
    return (apply_voi_lut(modality, dataset) - low) / (high - low)


def _automatic(dataset: Dataset, modality: NDArray[Any]) -> NDArray[Any]:
    if dataset.BitsStored <= 8:
        return modality / (2**dataset.BitsStored - 1)
    counted = modality[modality != dataset.get("PixelPaddingValue", -1e9)]
    low, high = np.percentile(counted, [0.5, 99.5], method="inverted_cdf")
    return ((modality.astype(float) - low) / (high - low)).clip(0, 1)


def _by_pydicom(path: Path) -> NDArray[Any]:
    dataset = pydicom.dcmread(path)
    stored = pixel_array(dataset, index=0)
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        coloured = apply_color_lut(stored, dataset)
        return coloured / (1 if coloured.max() < 256 else 257)
    if dataset.SamplesPerPixel == 3:
        return stored / (2**dataset.BitsAllocated - 1) * 255
    grey = _grey(dataset, stored)
    return 255 * (1 - grey if dataset.PhotometricInterpretation == "MONOCHROME1" else grey)


def _has_pixels(path: Path) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return "PixelData" in pydicom.dcmread(path)
        except InvalidDicomError:
            return False


def _loud(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("path", _files(SHARED, TEST_FILES), ids=_loud)
def test_is_shown_as_pydicom_computes_it_or_refused_with_a_reason(path: Path) -> None:
    if not _has_pixels(path) or path.name in DAMAGED:
        with pytest.raises(NothingToShowError, match=rf"^The file .*{DAMAGED.get(path.name, '')}.*\.$"):
            render(path)
        return
    ours = rendered(path)
    if path.name in NOT_BY_PYDICOM:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = _by_pydicom(path)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).mean() < 2


CT = {
    # The mean difference in greys from the uncompressed picture that the coding's losses allow.
    "BigEndianExplicit_1.2.840.10008.1.2.2.dcm": 0.0,
    "CTImage.dcm": 0.0,
    "DeflatedExplicitVRLittleEndian_1.2.840.10008.1.2.1.99.dcm": 0.0,
    "JPEG2000LosslessOnly_1.2.840.10008.1.2.4.90.dcm": 0.0,
    "JPEG2000_1.2.840.10008.1.2.4.91.dcm": 0.5,
    "JPEGLSLossless_1.2.840.10008.1.2.4.80.dcm": 0.0,
    "JPEGLSLossy_1.2.840.10008.1.2.4.81.dcm": 0.5,
    "JPEGProcess10_12_1.2.840.10008.1.2.4.55.dcm": 2.0,
    "JPEGProcess14SV1_1.2.840.10008.1.2.4.70.dcm": 0.0,
    "JPEGProcess14_1.2.840.10008.1.2.4.57.dcm": 0.0,
    "JPEGProcess1_1.2.840.10008.1.2.4.50.dcm": 5.0,  # 8 bits, a step being 32 Hounsfield units
    "JPEGProcess2_4_1.2.840.10008.1.2.4.51.dcm": 2.0,
    "JPEGProcess6_8_1.2.840.10008.1.2.4.53.dcm": 2.0,
    "LittleEndianImplicit_1.2.840.10008.1.2.dcm": 0.0,
    "RLELossless_1.2.840.10008.1.2.5.dcm": 0.0,
}


@pytest.mark.parametrize("name", CT)
def test_one_ct_looks_the_same_in_every_transfer_syntax(name: str) -> None:
    whole = rendered(shared("transfer-syntaxes", "LittleEndianExplicit_1.2.840.10008.1.2.1.dcm"))
    ours = rendered(shared("transfer-syntaxes", name))
    assert np.abs(ours.astype(float) - whole).mean() <= CT[name]


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("TestPattern_JPEG-Baseline_YBR422.dcm", 3.0),
        ("TestPattern_JPEG-Baseline_YBRFull.dcm", 3.0),
        ("TestPattern_JPEG-LS-Lossless.dcm", 0.0),
        ("TestPattern_JPEG-LS-NearLossless.dcm", 2.0),
        ("TestPattern_JPEG-Lossless_RGB.dcm", 0.0),
        ("TestPattern_Palette.dcm", 0.5),
        ("TestPattern_Palette_16.dcm", 0.5),
    ],
)
def test_the_test_pattern_has_its_colours_in_every_coding(name: str, allowed: float) -> None:
    plain = rendered(shared("transfer-syntaxes", "TestPattern_RGB.dcm"))
    ours = rendered(shared("transfer-syntaxes", name))
    assert np.abs(ours.astype(float) - plain).mean() <= allowed


@pytest.mark.parametrize(
    "name",
    [path.name for path in sorted(TEST_FILES.glob("SC_rgb_dcmtk*"))]
    + ["SC_rgb_gdcm_KY.dcm", "SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_jpeg_gdcm.dcm", "SC_rgb_jpeg_lossy_gdcm.dcm"],
)
def test_stripes_have_their_colours_whoever_encoded_them(name: str) -> None:
    plain = rendered(TEST_FILES / "SC_rgb_rle.dcm")
    assert np.abs(rendered(TEST_FILES / name).astype(float) - plain).mean() < 5


@pytest.mark.parametrize(("lying", "true"), [("SC_rgb_jpeg.dcm", "SC_rgb_jpeg_dcmd.dcm")])
def test_jpeg_without_colour_transform_keeps_its_colours(lying: str, true: str) -> None:
    assert np.abs(rendered(TEST_FILES / lying).astype(float) - rendered(TEST_FILES / true)).mean() < 1


def test_sequential_jpeg_that_forgets_its_spectrum_is_mended() -> None:
    assert np.array_equal(rendered(TEST_FILES / "JPEG-lossy.dcm"), rendered(TEST_FILES / "JPGExtended.dcm"))


def test_enhanced_ct_takes_rescale_and_window_from_its_functional_groups() -> None:
    path = shared("transfer-syntaxes", "CT0012.fragmented_no_bot_jpeg_baseline.51.dcm")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stored = pixel_array(pydicom.dcmread(path), index=1)
    expected = ((stored - 1024.0 - 48.5) / 101 + 0.5).clip(0, 1) * 255  # window 49/102
    assert np.abs(rendered(path, 2) - expected).mean() < 2


def test_a_localizer_of_oblong_pixels_is_stretched() -> None:
    localizer = TEST_FILES / "dicomdirtests" / "98892001" / "CT2N" / "6293"
    assert rendered(localizer).shape == (16, 18)  # pixel spacing 0.545 x 0.597
