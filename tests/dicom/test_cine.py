"""How fast a clip is meant to run."""

from __future__ import annotations

import orjson
import pytest

from appliance.dicom.cine import frame_rate


def metadata(**values: object) -> bytes:
    tags = {"recommended": "00082144", "cine": "00180040", "time": "00181063"}
    return orjson.dumps({tags[name]: {"vr": "DS", "Value": [value]} for name, value in values.items()})


@pytest.mark.parametrize(
    ("values", "rate"),
    [
        ({"recommended": 12, "cine": 30, "time": 50}, 12),
        ({"cine": "25", "time": 50}, 25),
        ({"time": 50.0}, 20),
        ({"time": "33.333"}, pytest.approx(30, 0.001)),
        ({}, 10),
        ({"recommended": 0, "cine": None, "time": 0}, 10),
        ({"cine": -5}, 10),
        ({"cine": "fast"}, 10),
        ({"time": 0.001}, 60),
        ({"time": 100000}, 1),
    ],
)
def test_the_file_s_own_speed_within_reason_or_ten_a_second(values: dict[str, object], rate: float) -> None:
    assert frame_rate(metadata(**values)) == rate


def test_an_empty_element_says_nothing() -> None:
    assert frame_rate(b'{"00180040": {"vr": "IS"}, "00181063": {"vr": "DS", "Value": []}}') == 10
