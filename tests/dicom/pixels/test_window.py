"""The windows offered by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from appliance.dicom.pixels import Window, presets
from tests.support.pictures import item, picture

PIXELS = np.zeros((4, 4), np.int16)
HOUNSFIELD = {"Modality": "CT", "RescaleSlope": 1, "RescaleIntercept": -1024}
USUAL = {
    "Soft tissue": Window(40, 400),
    "Lung": Window(-600, 1500),
    "Bone": Window(400, 1800),
    "Brain": Window(40, 80),
}


def _of(folder: Path, **said: Any) -> dict[str, Window]:
    return presets(picture(folder / "a", PIXELS, **said))


def test_ct_has_the_files_windows_first_and_then_the_usual_ones(tmp_path: Path) -> None:
    said = {"WindowCenter": [50, 300], "WindowWidth": [350, 2000], "WindowCenterWidthExplanation": ["ABDOMEN", "BONY"]}
    named = _of(tmp_path, **HOUNSFIELD, **said)
    assert named == {"ABDOMEN": Window(50, 350), "BONY": Window(300, 2000), **USUAL}
    assert next(iter(named)) == "ABDOMEN"


def test_ct_without_windows_has_the_usual_ones(tmp_path: Path) -> None:
    assert _of(tmp_path, **HOUNSFIELD) == USUAL


def test_the_same_window_is_offered_once_under_its_first_name(tmp_path: Path) -> None:
    named = _of(tmp_path, **HOUNSFIELD, WindowCenter=[40, 40, 40], WindowWidth=[400, 400, 80])
    assert list(named) == ["Default", "Window 3", "Lung", "Bone"]


def test_ct_that_is_not_in_hounsfield_units_has_no_usual_windows(tmp_path: Path) -> None:
    assert _of(tmp_path, Modality="CT") == {}
    assert _of(tmp_path, **HOUNSFIELD, RescaleType="US") == {}
    assert _of(tmp_path, **HOUNSFIELD, PhotometricInterpretation="RGB") == {}


def test_others_have_the_files_own_if_there_are_several(tmp_path: Path) -> None:
    assert _of(tmp_path, Modality="MR", WindowCenter=300, WindowWidth=600) == {}
    several = _of(tmp_path, Modality="MR", WindowCenter=[300, 500], WindowWidth=[600, 900])
    assert several == {"Default": Window(300, 600), "Window 2": Window(500, 900)}


def test_windows_of_functional_groups_keep_their_function(tmp_path: Path) -> None:
    voi = item(WindowCenter=[10, 20], WindowWidth=[5, 6], VOILUTFunction="SIGMOID")
    named = _of(tmp_path, Modality="MR", SharedFunctionalGroupsSequence=item(FrameVOILUTSequence=voi))
    assert named["Window 2"] == Window(20, 6, "SIGMOID")
