"""Small pictures are ready before anyone asks, cost no draining, and go with their study."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from PIL import Image

from appliance import events
from appliance.archive.previewing import Previewer
from appliance.archive.previews import EDGE, QUALITY, Previews
from appliance.box import Box
from appliance.dicom.drawn import DRAWN
from appliance.dicom.model import Instance, Origin
from appliance.dicom.pixels import thumbnail
from tests.conftest import Fill
from tests.support.files import ROOT, knee

GO_ON = threading.Event()


@pytest.fixture
def previewer(box: Box) -> Previewer:
    """One that has seen all news so far."""
    made = box.previewer()
    made.round(GO_ON, quiet=0)
    return made


def middle_images(box: Box) -> list[Instance]:
    (study,) = box.storage.studies.search("", 2)
    uid = study.study_instance_uid
    series = [box.storage.studies.instances(uid, one.series_instance_uid) for one in box.storage.studies.series(uid)]
    return [instances[(len(instances) - 1) // 2] for instances in series]


def picture_of(box: Box, instance: Instance) -> bytes | None:
    return box.previews.get(instance.study_instance_uid, instance.digest)


def test_the_picture_that_stands_for_each_series_is_made(box: Box, fill: Fill, previewer: Previewer) -> None:
    fill(knee())
    previewer.round(GO_ON, quiet=0)
    for instance in middle_images(box):
        made = picture_of(box, instance)
        assert made == thumbnail(box.blobs.path(instance.blob_key), EDGE, quality=QUALITY)
        assert max(Image.open(io.BytesIO(made)).size) == EDGE
    assert len(list((box.data_dir / "previews").rglob("*.jpg"))) == 2


def test_a_study_that_still_comes_waits_and_so_does_all_while_the_spool_is_not_empty(
    box: Box, fill: Fill, previewer: Previewer
) -> None:
    fill(knee()[:1])
    previewer.round(GO_ON, quiet=60)
    with knee()[1].open("rb") as file:
        box.spool("receiver").keep(file, Origin("upload", received=events.now()))
    previewer.round(GO_ON, quiet=0)
    assert not (box.data_dir / "previews").exists()
    fill([])
    previewer.round(GO_ON, quiet=0)
    assert picture_of(box, middle_images(box)[0])


def test_a_file_that_shows_nothing_costs_no_other(box: Box, fill: Fill, previewer: Previewer) -> None:
    fill(knee())
    first, second = middle_images(box)
    path = box.blobs.path(first.blob_key)
    path.write_bytes(path.read_bytes()[:-2000])
    previewer.round(GO_ON, quiet=0)
    assert picture_of(box, second)


def test_they_go_with_their_study(box: Box, fill: Fill, previewer: Previewer) -> None:
    fill(knee()[:1])
    previewer.round(GO_ON, quiet=0)
    (image,) = middle_images(box)
    assert picture_of(box, image)
    with box.storage.transaction():
        box.storage.studies.remove_study(image.study_instance_uid)
        box.storage.events.add(events.STUDY_DELETED, image.study_instance_uid)
    previewer.round(GO_ON, quiet=0)
    assert picture_of(box, image) is None
    assert list((box.data_dir / "previews").rglob("*.jpg")) == []


def test_what_an_older_version_drew_otherwise_is_not_shown(tmp_path: Path) -> None:
    previews = Previews(tmp_path)
    place = previews.place("1.2", "ab")
    place.parent.mkdir()
    (place.parent / f"ab.{DRAWN - 1}.jpg").write_bytes(b"\xff\xd8\xff\xd9")
    assert (previews.made("1.2"), previews.get("1.2", "ab")) == (set(), None)
    place.write_bytes(b"\xff\xd8\xff\xd9")
    assert (previews.made("1.2"), previews.get("1.2", "ab")) == ({"ab"}, b"\xff\xd8\xff\xd9")


def test_the_oldest_go_when_there_are_too_many(tmp_path: Path) -> None:
    previews = Previews(tmp_path, most=1000)
    for number in range(20):
        place = previews.place(f"1.2.{number}", "ab")
        place.parent.mkdir()
        place.write_bytes(b"\xff\xd8" + bytes(96) + b"\xff\xd9")
        os.utime(place, (number, number))
    previews.prune()
    kept = [number for number in range(20) if previews.get(f"1.2.{number}", "ab")]
    assert kept == list(range(11, 20))


def test_half_a_picture_is_none(tmp_path: Path) -> None:
    previews = Previews(tmp_path)
    place = previews.place("1.2", "ab")
    place.parent.mkdir()
    place.write_bytes(b"\xff\xd8 and then the power went")
    assert previews.get("1.2", "ab") is None


def test_the_process_that_makes_them_ends_without_a_word_when_its_indexer_is_gone(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    asked = b'["nowhere", "%b"]\n' % os.fsencode(tmp_path / "a.jpg")
    done = subprocess.run(
        [sys.executable, "-m", "appliance.archive.previewing"],
        cwd=ROOT,
        input=asked * 2,
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_it_ends_at_once_when_asked(box: Box) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=box.previewer().run, args=(stop,))
    thread.start()
    began = time.monotonic()
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
    assert time.monotonic() - began < 10
