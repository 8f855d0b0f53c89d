"""A study as its patient leafs through it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from appliance.box import Box
from appliance.dicom.model import Instance
from appliance.shares.album import Kind, album, kind_of
from tests.conftest import Fill
from tests.support.files import PYDICOM, knee


@pytest.fixture
def instance(box: Box, fill: Fill) -> Instance:
    fill([PYDICOM / "test_files" / "CT_small.dcm"])
    uid = next(box.storage.studies.study_uids())
    return box.storage.studies.instances(uid)[0]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, Kind.PICTURES),
        ({"number_of_frames": "1"}, Kind.PICTURES),
        ({"number_of_frames": "30"}, Kind.CLIP),
        ({"rows": ""}, Kind.OTHER),
        ({"columns": "0"}, Kind.OTHER),
        ({"rows": "-1"}, Kind.OTHER),
        ({"sop_class_uid": "1.2.840.10008.5.1.4.1.1.104.1"}, Kind.DOCUMENT),
        ({"sop_class_uid": "1.2.840.10008.5.1.4.1.1.104.2", "rows": ""}, Kind.DOCUMENT),
        ({"transfer_syntax_uid": "1.2.840.10008.1.2.4.102", "number_of_frames": "90"}, Kind.FILM),
        ({"sop_class_uid": "1.2.840.10008.5.1.4.1.1.88.11", "rows": "", "columns": ""}, Kind.REPORT),
        ({"sop_class_uid": "1.2.840.10008.5.1.4.1.1.88.59", "rows": "", "columns": ""}, Kind.OTHER),
    ],
)
def test_an_instance_is_shown_by_what_it_is(instance: Instance, changes: dict[str, str], kind: Kind) -> None:
    assert kind_of(replace(instance, **changes)) is kind


def test_a_series_is_a_stack_by_instance_number(box: Box, fill: Fill) -> None:
    fill(reversed(knee()))
    share = box.sharing.create(next(box.storage.studies.study_uids())).share
    found = box.sharing.album(share)
    assert [(stack.kind, stack.number, stack.count) for stack in found.stacks] == [
        (Kind.PICTURES, 1, 24),
        (Kind.PICTURES, 2, 26),
    ]
    for stack in found.stacks:
        numbers = [int(item.instance.instance_number) for item in stack.items]
        assert numbers == sorted(numbers)


def test_clips_films_and_documents_stand_alone_and_the_rest_of_a_series_together(box: Box, instance: Instance) -> None:
    studies = box.storage.studies
    study = studies.study(instance.study_instance_uid)
    assert study is not None

    def one(number: int, **changes: str) -> Instance:
        return replace(instance, sop_instance_uid=f"1.2.{number}", **changes)

    mixed = [
        one(1),
        one(2, number_of_frames="30"),
        one(3, rows=""),
        one(4),
        one(5, transfer_syntax_uid="1.2.840.10008.1.2.4.102"),
        one(6, number_of_frames="8"),
        one(7, rows=""),
    ]
    found = album(study, studies.series(study.study_instance_uid), mixed, "salt")
    assert [(stack.kind, stack.count) for stack in found.stacks] == [
        (Kind.PICTURES, 2),
        (Kind.CLIP, 30),
        (Kind.FILM, 1),
        (Kind.CLIP, 8),
        (Kind.OTHER, 2),
    ]
    assert [name for name, _ in found.files] == [f"SERIES01/IM{number:05d}.dcm" for number in range(1, 8)]
    assert len({item.name for stack in found.stacks for item in stack.items}) == 7


def test_names_tell_nothing_and_depend_on_the_share_alone(box: Box, instance: Instance) -> None:
    uid = instance.study_instance_uid
    study = box.storage.studies.study(uid)
    assert study is not None

    def names(salt: str) -> list[str]:
        made = album(study, box.storage.studies.series(uid), [instance], salt)
        return [item.name for stack in made.stacks for item in stack.items]

    assert names("one") == names("one")
    assert names("one") != names("other")
    assert set(names("one")[0]) <= set("0123456789abcdef")


def test_what_an_address_names_is_found_only_if_it_is_there(box: Box, fill: Fill, tmp_path: Path) -> None:
    fill(knee()[:2])
    share = box.sharing.create(next(box.storage.studies.study_uids())).share
    found = box.sharing.album(share)
    item = found.stacks[0].items[1]
    assert found.find(item.name) == (found.stacks[0], item)
    assert found.find("0" * 16) is None
    assert found.find("") is None
