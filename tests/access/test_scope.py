"""The bounds of one request."""

from __future__ import annotations

import pytest

from appliance.access.scope import EVERYTHING, Scope
from appliance.dicom.attributes import Level
from appliance.dicom.query import Match
from appliance.errors import NotFoundError


def test_a_scope_of_everything_changes_no_query() -> None:
    match = Match(Level.SERIES, within={"StudyInstanceUID": "1.2"})
    assert Scope("staff", EVERYTHING).narrowed(match) is match


def test_a_scope_of_one_study_narrows_every_query_to_it() -> None:
    scope = Scope("share", EVERYTHING, study="1.2")
    assert scope.narrowed(Match(Level.STUDY)).within == {"StudyInstanceUID": "1.2"}
    inner = Match(Level.INSTANCE, within={"StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.2.1"})
    assert scope.narrowed(inner) == inner
    assert scope.sees("1.2")


def test_another_study_does_not_exist_for_it() -> None:
    scope = Scope("share", EVERYTHING, study="1.2")
    assert not scope.sees("1.3")
    with pytest.raises(NotFoundError):
        scope.narrowed(Match(Level.SERIES, within={"StudyInstanceUID": "1.3"}))
