"""Instances entered in batches of any size end as if they came one by one, and all counts are right."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from appliance.dicom import header as headers
from appliance.dicom.header import Header
from appliance.dicom.model import Series, Study
from appliance.storage.contract import Storage
from appliance.storage.sqlite.store import SqliteStorage
from tests.support.files import brainix, knee

Opener = Callable[[], Storage]
Rows = tuple[list[Study], list[Series]]


def made_up(seed: int, count: int = 120) -> list[Header]:
    """Images of three studies whose attributes contradict each other, or are missing, now and then."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        study, series = chance.randrange(3), chance.randrange(4)
        like = headers.read(chance.choice((knee()[0], brainix()[0])))
        name = chance.choice(("", "", "Doe^Jane", "Roe^Richard"))
        found.append(
            replace(
                like,
                study=like.study | {"study_instance_uid": f"1.2.{study}", "patient_name": name},
                series=like.series
                | {
                    "series_instance_uid": f"1.2.{study}.{series}",
                    "modality": chance.choice(("", "CT", "MR", "SR")),
                },
                instance=like.instance
                | {
                    "sop_instance_uid": f"1.2.{study}.{series}.{number}",
                    "sop_class_uid": f"1.2.840.10008.5.1.4.1.1.{chance.choice((2, 4, 7))}",
                },
                metadata=orjson.dumps({"number": number, "noise": chance.randbytes(chance.randrange(900)).hex()}),
                size=chance.randrange(1, 1 << 20),
                origin=replace(like.origin, received=f"2030-01-01T00:00:{chance.randrange(60):02d}"),
            )
        )
    return found


def rows(storage: Storage) -> Rows:
    """Studies and series in an order of their own."""
    studies = sorted(storage.studies.search("", 10), key=lambda study: study.study_instance_uid)
    return studies, [each for study in studies for each in storage.studies.series(study.study_instance_uid)]


def enter(storage: Storage, found: list[Header]) -> None:
    with storage.transaction():
        storage.studies.add((header, f"key-{header.uids[2]}") for header in found)


@pytest.mark.parametrize("seed", range(5))
def test_batches_of_any_size_end_as_one_by_one(seed: int, opener: Opener, tmp_path: Path) -> None:
    found = made_up(seed)
    one_by_one = SqliteStorage(tmp_path / "one.sqlite3")
    for header in found:
        enter(one_by_one, [header])
    storage, chance, left = opener(), random.Random(seed), found
    while left:
        size = chance.randrange(1, 50)
        enter(storage, left[:size])
        left = left[size:]
    assert rows(storage) == rows(one_by_one)
    one_by_one.close()


@pytest.mark.parametrize("seed", range(5))
def test_counts_are_those_of_the_instances(seed: int, storage: Storage) -> None:
    found = made_up(seed)
    for start in range(0, len(found), 17):
        enter(storage, found[start : start + 17])
    for study in rows(storage)[0]:
        of_study = [header for header in found if header.uids[0] == study.study_instance_uid]
        series = storage.studies.series(study.study_instance_uid)
        assert study.number_of_study_related_instances == len(of_study)
        assert study.number_of_study_related_series == len({header.uids[1] for header in of_study}) == len(series)
        assert study.size == sum(header.size for header in of_study)
        assert set(study.sop_classes_in_study) == {header.instance["sop_class_uid"] for header in of_study}
        assert set(study.modalities_in_study) == {each.modality for each in series} - {""}
        assert study.last_received == max(header.origin.received for header in of_study)
        for each in series:
            count = sum(header.uids[1] == each.series_instance_uid for header in of_study)
            assert each.number_of_series_related_instances == count


def test_metadata_comes_back_as_it_was_though_it_is_packed_together(storage: Storage) -> None:
    found = made_up(7)
    for start in range(0, len(found), 17):
        enter(storage, found[start : start + 17])
    given = {header.uids[2]: header.metadata for header in found}
    uids = random.Random(1).sample(list(given), len(given))
    assert storage.studies.metadata_of(uids) == [given[uid] for uid in uids]
    for study in rows(storage)[0]:
        assert set(storage.studies.metadata(study.study_instance_uid)) == {
            header.metadata for header in found if header.uids[0] == study.study_instance_uid
        }
    assert next(iter(storage.studies.metadata(*found[-1].uids))) == found[-1].metadata


def test_the_images_of_a_series_share_what_they_have_in_common(tmp_path: Path) -> None:
    storage = SqliteStorage(tmp_path / "index.sqlite3")
    enter(storage, [headers.read(path) for path in knee()])
    storage.close()
    connection = sqlite3.connect(tmp_path / "index.sqlite3")
    assert connection.execute("SELECT count(*) FROM metadata WHERE primer IS NULL").fetchone() == (2,)
    (packed,) = connection.execute("SELECT avg(length(deflated)) FROM metadata").fetchone()
    connection.close()
    assert packed < 500


def test_a_study_whose_file_was_replaced_keeps_its_size_right(storage: Storage) -> None:
    first, second = (headers.read(path) for path in knee()[:2])
    enter(storage, [first, second])
    with storage.transaction():
        storage.studies.move(replace(first, size=first.size + 10), "key-new")
    study = storage.studies.study(first.uids[0])
    assert study
    assert study.size == first.size + second.size + 10


def test_metadata_and_digests_of_an_older_index_are_read(tmp_path: Path) -> None:
    """As they were before m007: each by itself, digests of another kind."""
    storage = SqliteStorage(tmp_path / "index.sqlite3")
    found = [headers.read(path) for path in knee()[:3]]
    enter(storage, found[:1])
    storage.close()
    connection = sqlite3.connect(tmp_path / "index.sqlite3")
    connection.execute("ALTER TABLE metadata DROP COLUMN primer")
    connection.execute("DELETE FROM _sqlite_migrations WHERE name = 'm007_packed_metadata'")
    connection.commit()
    connection.close()
    storage = SqliteStorage(tmp_path / "index.sqlite3")
    enter(storage, found[1:])
    assert list(storage.studies.metadata(found[0].uids[0])) == [header.metadata for header in found]
    kept = storage.studies.kept([header.uids[2] for header in found])
    assert [kept[header.uids[2]].digest for header in found] == ["", found[1].digest, found[2].digest]
    storage.close()
