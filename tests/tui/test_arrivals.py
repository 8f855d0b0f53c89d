"""The order of the worklist while images come in."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

from appliance.dicom.model import Study
from tui.arrivals import PAUSE, Arrivals

START = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)


def study(uid: str, seconds: float) -> Study:
    blank = {field.name: "" for field in dataclasses.fields(Study)}
    at = (START + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
    return Study(**blank | {"study_instance_uid": uid, "last_received": at})


def order(arrivals: Arrivals) -> str:
    return "".join(each.study_instance_uid for each in arrivals.ordered())


def test_newest_arrival_first():
    arrivals = Arrivals()
    arrivals.take([study("b", 2), study("a", 1)])
    arrivals.take([study("c", 3)])
    assert order(arrivals) == "cba"


def test_two_that_arrive_together_do_not_change_places_with_every_image():
    arrivals = Arrivals()
    arrivals.take([study("a", 0)])
    arrivals.take([study("b", 1)])
    for second in range(2, 600, 2):
        arrivals.take([study("a", second)])
        arrivals.take([study("b", second + 1)])
        assert order(arrivals) == "ba"


def test_images_after_a_long_silence_bring_their_study_to_the_top():
    arrivals = Arrivals()
    arrivals.take([study("a", 0), study("b", 1)])
    arrivals.take([study("a", PAUSE.total_seconds() + 10)])
    assert order(arrivals) == "ab"


def test_what_changed_is_shown_as_it_is_now():
    arrivals = Arrivals()
    arrivals.take([study("a", 0)])
    arrivals.take([study("a", 9)])
    assert arrivals.ordered() == [study("a", 9)]
    assert len(arrivals) == 1


def test_what_is_gone_is_gone():
    arrivals = Arrivals()
    arrivals.take([study("a", 0), study("b", 1)])
    arrivals.forget(["a", "never known"])
    assert order(arrivals) == "b"
