"""What is written into pictures, from an instance's metadata."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import pytest

from appliance.dicom.annotation import Annotation, annotation
from appliance.dicom.pixels import Viewport
from tests.support.pictures import picture, rendered

METADATA = orjson.dumps(
    {
        "00080020": {"vr": "DA", "Value": ["20240131"]},
        "00080030": {"vr": "TM", "Value": ["091500.000000"]},
        "00080060": {"vr": "CS", "Value": ["CT"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane"}]},
        "00100020": {"vr": "LO", "Value": ["P-7\n"]},
        "00100030": {"vr": "DA", "Value": ["19601224"]},
        "00100040": {"vr": "CS", "Value": ["F"]},
        "00180060": {"vr": "DS", "Value": [120.0]},
        "00200013": {"vr": "IS", "Value": [4]},
        "00201041": {"vr": "DS", "Value": [-77.20412]},
    }
)
PATIENT = ("Doe, Jane", "ID P-7", "born 1960-12-24  F")
TECHNIQUE = ("CT  2024-01-31  09:15", "image 4  at -77.2 mm", "120 kV")


@pytest.mark.parametrize(
    ("kinds", "frame", "expected"),
    [
        (["patient"], 0, Annotation(PATIENT)),
        (["technique"], 0, Annotation((), TECHNIQUE)),
        (["patient", "technique"], 3, Annotation(PATIENT, (*TECHNIQUE, "frame 3"))),
        ([], 3, Annotation()),
    ],
)
def test_each_kind_says_what_it_is_asked_for(kinds: list[str], frame: int, expected: Annotation) -> None:
    assert annotation(METADATA, kinds, frame) == expected


def test_what_is_missing_empty_or_odd_leaves_the_rest() -> None:
    odd = {
        "00100010": {"vr": "PN", "Value": [None]},
        "00100020": {"vr": "LO"},
        "00100030": {"vr": "DA", "Value": ["x"]},
    }
    assert annotation(orjson.dumps(odd), ["patient", "technique"]) == Annotation(("born x",))


@pytest.mark.parametrize("pixels", [np.full((256, 256), 100, np.uint16), np.full((256, 256, 3), 100, np.uint8)])
def test_the_text_is_in_its_corner_and_nowhere_else(tmp_path: Path, pixels: np.ndarray) -> None:
    file = picture(tmp_path / "a", pixels, WindowCenter=100, WindowWidth=200)
    plain = rendered(file).astype(int)
    notes = rendered(file, notes=Annotation(("Doe, Jane",))).astype(int)
    changed = np.abs(plain - notes) > 60
    assert changed[:24, :96].any()
    assert not changed[24:].any()
    assert not changed[:, 96:].any()
    below = rendered(file, notes=Annotation((), ("CT",))).astype(int)
    changed = np.abs(plain - below) > 60
    assert changed[232:, :48].any()
    assert not changed[:232].any()


def test_the_text_is_as_large_in_a_small_picture(tmp_path: Path) -> None:
    file = picture(tmp_path / "a", np.full((512, 512), 100, np.uint16), WindowCenter=100, WindowWidth=200)
    small = rendered(file, viewport=Viewport(64, 64), notes=Annotation(("Doe, Jane",)))
    assert small.shape == (64, 64)
    assert small.max() > 240
