"""What patients read: plain words, whatever the files say."""

from __future__ import annotations

from dataclasses import fields

import pytest

from appliance.dicom.model import Series
from appliance.shares.album import Kind, Stack
from appliance.shares.sharing import Refusal
from web.portal import texts


@pytest.mark.parametrize(
    ("name", "spoken"),
    [
        ("Doe^Jane", "Jane Doe"),
        ("Doe^Jane^Ann^Dr^MD", "Dr Jane Ann Doe MD"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Tarou Yamada · 太郎 山田"),
        ("=Wang^XiaoDong", "XiaoDong Wang"),
        ("KNEE", "KNEE"),
        ("^^^^", ""),
        ("", ""),
    ],
)
def test_a_name_is_said_as_its_owner_says_it(name: str, spoken: str) -> None:
    assert texts.person(name) == spoken


@pytest.mark.parametrize(
    ("text", "written"), [("20080819", "19 August 2008"), ("", ""), ("20081399", ""), ("2008", ""), ("x" * 8, "")]
)
def test_a_date_is_written_out(text: str, written: str) -> None:
    assert texts.dicom_date(text) == written


@pytest.mark.parametrize(
    ("count", "size"), [(400, "1 kB"), (21_000, "21 kB"), (4_400_000, "4 MB"), (2_560_000_000, "2.6 GB")]
)
def test_a_size_is_round(count: int, size: str) -> None:
    assert texts.size(count) == size


def series(**values: str) -> Series:
    empty: dict[str, object] = {field.name: "" for field in fields(Series)}
    return Series(**(empty | {"number_of_series_related_instances": 1} | values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "title"),
    [
        ({"modality": "MR", "body_part_examined": "KNEE"}, "MR – knee"),
        ({"modality": "DX", "body_part_examined": "CSPINE"}, "X-ray – neck"),
        ({"modality": "US"}, "ultrasound"),
        ({"modality": "MG", "body_part_examined": "BREAST", "laterality": "L"}, "mammogram – left breast"),
        ({"modality": "XYZ", "body_part_examined": "Left Big Toe"}, "XYZ – left big toe"),
        ({}, "Images"),
    ],
)
def test_a_series_has_a_plain_title(values: dict[str, str], title: str) -> None:
    assert texts.stack_title(Stack(Kind.PICTURES, 1, series(**values), ())) == title


def test_one_is_not_many() -> None:
    assert (texts.images(1), texts.images(24)) == ("1 image", "24 images")
    assert texts.attempts_left(1) == "You can try once more."
    assert texts.attempts_left(9) == "You can try 9 more times."


def test_every_refusal_has_a_page() -> None:
    assert {str(refusal) for refusal in Refusal} - {"wrong pin"} <= texts.NOTICES.keys()
