"""The table of attributes."""

from __future__ import annotations

import pytest

from appliance.dicom.attributes import ATTRIBUTES, BY_TAG, Level, column, stored_at
from appliance.dicom.model import Instance, Series, Study


@pytest.mark.parametrize(
    ("keyword", "name"),
    [
        ("PatientID", "patient_id"),
        ("SOPInstanceUID", "sop_instance_uid"),
        ("SOPClassesInStudy", "sop_classes_in_study"),
        ("TimezoneOffsetFromUTC", "timezone_offset_from_utc"),
    ],
)
def test_a_column_is_the_keyword_in_snake_case(keyword: str, name: str) -> None:
    assert column(keyword) == name


def test_no_tag_stands_twice() -> None:
    assert len(BY_TAG) == len(ATTRIBUTES)


def test_the_models_have_a_field_for_every_attribute() -> None:
    for level, model in ((Level.STUDY, Study), (Level.SERIES, Series), (Level.INSTANCE, Instance)):
        assert {a.column for a in stored_at(level)} <= set(model.__dataclass_fields__)
