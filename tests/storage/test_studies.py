"""The promise of `contract.Studies`, `Events` and `Storage`, for every backend."""

from __future__ import annotations

import multiprocessing
import sqlite3
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from appliance.dicom import header as headers
from appliance.errors import IndexUnavailableError
from appliance.storage.contract import Storage
from appliance.storage.rows import Kept
from appliance.storage.sqlite.store import SqliteStorage
from tests.support.files import PYDICOM, brainix, knee

Opener = Callable[[], Storage]


def enter(storage: Storage, paths: Iterable[Path]) -> None:
    with storage.transaction():
        storage.studies.add((headers.read(path), f"key-{number}") for number, path in enumerate(paths))


def names(storage: Storage, text: str) -> list[str]:
    return [study.patient_name for study in storage.studies.search(text, 50)]


def test_a_study_has_its_counts_modalities_and_size(storage: Storage) -> None:
    enter(storage, knee())
    (study,) = storage.studies.search("", 10)
    assert (study.number_of_study_related_series, study.number_of_study_related_instances) == (2, 50)
    assert study.modalities_in_study == ("MR",)
    assert study.size == sum(path.stat().st_size for path in knee())
    assert storage.studies.count() == (1, 50)


def test_series_and_instances_come_by_number(storage: Storage) -> None:
    enter(storage, reversed(brainix()))
    (study,) = storage.studies.search("", 10)
    series = storage.studies.series(study.study_instance_uid)
    assert [int(each.series_number) for each in series] == sorted(int(each.series_number) for each in series)
    assert sum(each.number_of_series_related_instances for each in series) == 44
    images = storage.studies.instances(study.study_instance_uid, series[0].series_instance_uid)
    assert [int(image.instance_number) for image in images] == sorted(int(image.instance_number) for image in images)


def test_which_instances_there_are_and_when_they_came_is_told_alone(storage: Storage) -> None:
    enter(storage, reversed(brainix()))
    uid = storage.studies.search("", 1)[0].study_instance_uid
    every = storage.studies.instances(uid)
    assert storage.studies.arrived(uid) == [(each.sop_instance_uid, each.received) for each in every]
    one = every[7]
    series = storage.studies.instances(uid, one.series_instance_uid)
    assert [each.sop_instance_uid for each in storage.studies.arrived(uid, one.series_instance_uid)] == [
        each.sop_instance_uid for each in series
    ]
    assert storage.studies.arrived(uid, one.series_instance_uid, one.sop_instance_uid) == [
        (one.sop_instance_uid, one.received)
    ]
    assert storage.studies.arrived(uid, "1.2.3", one.sop_instance_uid) == []


def test_an_instance_is_found_only_within_its_study(storage: Storage) -> None:
    enter(storage, [knee()[0], brainix()[0]])
    knee_uid, _, image_uid = headers.read(knee()[0]).uids
    other_uid = headers.read(brainix()[0]).uids[0]
    assert storage.studies.instance(knee_uid, image_uid)
    assert storage.studies.instance(other_uid, image_uid) is None


def test_an_instance_twice_is_refused_and_nothing_of_the_batch_stays(storage: Storage) -> None:
    with pytest.raises(IndexUnavailableError):
        enter(storage, [knee()[0], knee()[0]])
    assert storage.studies.count() == (0, 0)


def test_it_tells_what_bytes_are_kept(storage: Storage) -> None:
    enter(storage, knee()[:2])
    known, unknown = headers.read(knee()[0]), headers.read(knee()[5])
    kept = storage.studies.kept([known.uids[2], unknown.uids[2]])
    assert kept == {known.uids[2]: Kept(known.digest, "key-0", known.size)}


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("jerome", "chrFren.dcm"),
        ("ÄNEAS", "chrGerm.dcm"),
        ("aneas rud", "chrGerm.dcm"),
        ("ΥΣΙΟΣ", "chrGreek.dcm"),
        ("太郎", "chrH31.dcm"),
        ("山", "chrH31.dcm"),
        ("やま", "chrH31.dcm"),
        ("dong hong", "chrI2.dcm"),
        ("길동", "chrI2.dcm"),
        ("小", "chrX2.dcm"),
        ("мбypг", "chrRuss.dcm"),
        ("בורה", "chrHbrw.dcm"),
    ],
)
def test_search_finds_any_part_of_any_name_in_any_script(storage: Storage, text: str, file: str) -> None:
    folder = PYDICOM / "charset_files"
    enter(storage, [folder / name for name in (
        "chrFren.dcm", "chrGerm.dcm", "chrGreek.dcm", "chrH31.dcm", "chrI2.dcm", "chrX2.dcm", "chrRuss.dcm",
        "chrHbrw.dcm",
    )])  # fmt: skip
    expected = headers.read(folder / file).study["patient_name"]
    assert names(storage, text) == [expected]


def test_search_looks_at_ids_dates_and_descriptions_and_all_words_must_occur(storage: Storage) -> None:
    enter(storage, [knee()[0], brainix()[0]])
    assert names(storage, "genou") == ["KNEE"]
    assert names(storage, "A10003245599 knee") == ["KNEE"]
    assert names(storage, "20080819") == ["KNEE"]
    assert names(storage, "knee brain") == []
    assert len(names(storage, "mr")) == 2


@pytest.mark.parametrize("text", ['"', "' OR 1=1 --", "knee*", "NEAR(", "%", "_", "a" * 5000, "(", "AND"])
def test_search_takes_any_text_literally(storage: Storage, text: str) -> None:
    enter(storage, knee()[:1])
    assert names(storage, text) == []


def test_the_newest_arrival_comes_first_and_pages_are_stable(storage: Storage) -> None:
    enter(storage, [brainix()[0], PYDICOM / "test_files" / "CT_small.dcm", knee()[0]])
    everything = [study.study_instance_uid for study in storage.studies.search("", 10)]
    assert len(everything) == 3
    paged = [storage.studies.search("", 1, offset)[0].study_instance_uid for offset in range(3)]
    assert paged == everything


def test_metadata_streams_in_order(storage: Storage) -> None:
    enter(storage, knee())
    uid = headers.read(knee()[0]).uids[0]
    found = [orjson.loads(each) for each in storage.studies.metadata(uid)]
    assert len(found) == 50
    assert found[0] == orjson.loads(headers.read(knee()[0]).metadata)


def test_removing_a_study_leaves_no_row_of_it(storage: Storage) -> None:
    enter(storage, [knee()[0], brainix()[0]])
    with storage.transaction():
        assert storage.studies.remove_study(headers.read(knee()[0]).uids[0]) == ["key-0"]
    assert names(storage, "") == [headers.read(brainix()[0]).study["patient_name"]]
    assert names(storage, "knee") == []
    assert storage.studies.count() == (1, 1)


def test_the_first_image_names_the_study_and_later_ones_fill_gaps(storage: Storage, tmp_path: Path) -> None:
    first, second = headers.read(knee()[0]), headers.read(knee()[1])
    first = replace(first, study=first.study | {"patient_birth_date": "", "patient_name": "First"})
    second = replace(second, study=second.study | {"patient_birth_date": "19800101", "patient_name": "Second"})
    with storage.transaction():
        storage.studies.add([(first, "key-1"), (second, "key-2")])
    study = storage.studies.study(first.uids[0])
    assert study
    assert (study.patient_name, study.patient_birth_date) == ("First", "19800101")


def test_events_are_numbered_and_only_those_of_committed_transactions(storage: Storage) -> None:
    with storage.transaction():
        storage.events.add("study.received", "1.2.3", instances=2)
    with pytest.raises(RuntimeError), storage.transaction():
        storage.events.add("never", "1.2.3")
        raise RuntimeError
    with storage.transaction():
        storage.events.add("share.changed")
    kinds = [(event.kind, event.study_instance_uid, event.detail) for event in storage.events.since(0)]
    assert kinds == [("study.received", "1.2.3", {"instances": 2}), ("share.changed", "", {})]
    assert storage.events.since(storage.events.last()) == []


def test_another_connection_sees_that_something_was_committed(opener: Opener) -> None:
    reader, writer = opener(), opener()
    before = reader.version()
    with writer.transaction():
        writer.events.add("study.received")
    assert reader.version() != before


def test_two_writers_wait_for_each_other(opener: Opener) -> None:
    first = opener()
    inside, go_on = threading.Event(), threading.Event()

    def second() -> None:
        other = opener()
        inside.wait(30)
        go_on.set()
        with other.transaction():
            other.events.add("second")
        other.close()

    thread = threading.Thread(target=second)
    thread.start()
    with first.transaction():
        inside.set()
        assert go_on.wait(30)
        first.events.add("first")
    thread.join(30)
    assert [event.kind for event in first.events.since(0)] == ["first", "second"]


def _open(path: Path) -> int:
    storage = SqliteStorage(path)
    number = storage.events.last()
    storage.close()
    return number


def test_processes_that_start_together_make_one_index(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert pool.map(_open, [tmp_path / "index.sqlite3"] * 8) == [0] * 8


def test_a_damaged_index_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "index.sqlite3").write_bytes(b"not a database, but long enough to be taken for one" * 50)
    with pytest.raises(IndexUnavailableError, match="damaged") as caught:
        SqliteStorage(tmp_path / "index.sqlite3")
    assert "reindex" in caught.value.hint


def test_an_index_of_a_newer_pacsbox_is_not_touched(tmp_path: Path) -> None:
    SqliteStorage(tmp_path / "index.sqlite3").close()
    connection = sqlite3.connect(tmp_path / "index.sqlite3")
    connection.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('pacsbox', 'm999_holograms', '')"
    )
    connection.commit()
    connection.close()
    with pytest.raises(IndexUnavailableError, match="newer pacsbox"):
        SqliteStorage(tmp_path / "index.sqlite3")


def test_a_sound_index_has_no_faults(storage: Storage) -> None:
    assert storage.check() == []


def test_a_read_of_an_index_that_breaks_says_so(tmp_path: Path) -> None:
    storage = SqliteStorage(tmp_path / "index.sqlite3")
    connection = sqlite3.connect(tmp_path / "index.sqlite3")
    connection.execute("DROP TABLE event")
    connection.close()
    with pytest.raises(IndexUnavailableError, match="cannot be used"):
        storage.events.since(0)
    storage.close()
