"""The parameters of rendered pictures (PS3.18 8.3.5)."""

from __future__ import annotations

import pytest

from appliance.dicom.pixels import Viewport, Window
from web.dicomweb.view import View, read


@pytest.mark.parametrize(
    ("query", "view"),
    [
        ({}, View()),
        ({"viewport": "512,256"}, View(viewport=Viewport(512, 256))),
        ({"viewport": "512, 256.0, 10,20,30,-40"}, View(viewport=Viewport(512, 256, 10, 20, 30, -40))),
        ({"viewport": "512,256,,,,"}, View(viewport=Viewport(512, 256))),
        ({"window": "40,400,linear"}, View(window=Window(40, 400))),
        ({"window": "-600.5,1.5e3,SIGMOID"}, View(window=Window(-600.5, 1500, "SIGMOID"))),
        ({"window": "40,400"}, View(window=Window(40, 400))),
        ({"window": "40,400,linear-exact", "quality": "50"}, View(None, Window(40, 400, "LINEAR_EXACT"), 50)),
        ({"window": "40,400,LINEAR_EXACT"}, View(window=Window(40, 400, "LINEAR_EXACT"))),
        ({"annotation": "technique, patient"}, View(annotation=("patient", "technique"))),
        ({"annotation": '"patient"'}, View(annotation=("patient",))),
        ({"iccprofile": "srgb", "else": "x"}, View()),
        ({"iccprofile": "yes"}, View(profiled=True)),
    ],
)
def test_what_is_asked_for_is_read(query: dict[str, str], view: View) -> None:
    assert read(query) == view


@pytest.mark.parametrize(
    "query",
    [
        *[
            {"viewport": value}
            for value in ("", "512", "512,", "a,b", "0,5", "-1,5", "512,512,1", "99999,1", "5,5,-1,0,1,1")
        ],
        {"viewport": "5,5,0,0,0,5"},
        {"viewport": "1e3,5"},
        *[
            {"window": value}
            for value in ("", "40", "40,0,linear", "40,nan", "inf,1", "40,400,cubic", "1,2,linear,3", "a,b")
        ],
        *[{"quality": value} for value in ("", "0", "101", "high", "-1", "50.5")],
        {"iccprofile": "cmyk"},
        *[{"annotation": value} for value in ("", "weather", "patient,weather")],
    ],
)
def test_what_cannot_be_is_refused_in_one_line(query: dict[str, str]) -> None:
    with pytest.raises(ValueError) as fault:
        read(query)
    assert "\n" not in str(fault.value)
