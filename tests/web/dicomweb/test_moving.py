"""Several frames as a film (PS3.18 10.4.1.1.3), made by ffmpeg where it is installed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import requests

from appliance.box import Box
from appliance.dicom import film
from appliance.dicom.film import command
from appliance.dicom.model import Instance
from tests.support.clinic import named
from tests.support.programs import program

MP4 = {"Accept": "video/mp4"}


@pytest.fixture(scope="module")
def dose(stocked: Box) -> Instance:
    """Fifteen frames."""
    every = (each for uid in stocked.storage.studies.study_uids() for each in stocked.storage.studies.instances(uid))
    return next(each for each in every if each.frames == 15)


def url(clinic: str, of: Instance) -> str:
    uids = (of.study_instance_uid, of.series_instance_uid, of.sop_instance_uid)
    return "{}/studies/{}/series/{}/instances/{}/rendered".format(clinic, *uids)


def probed(path: Path) -> dict[str, object]:
    ask = [program("ffprobe"), "-v", "error", "-count_frames", "-show_streams", "-of", "json", str(path)]
    (stream,) = json.loads(subprocess.run(ask, capture_output=True, check=True).stdout)["streams"]
    return stream  # type: ignore[no-any-return]


def test_frames_become_a_film_that_phones_play(clinic: str, dose: Instance, tmp_path: Path) -> None:
    program("ffmpeg")
    answer = requests.get(url(clinic, dose), headers=MP4, timeout=60)
    assert answer.headers["Content-Type"] == "video/mp4"
    (tmp_path / "a.mp4").write_bytes(answer.content)
    stream = probed(tmp_path / "a.mp4")
    assert (stream["codec_name"], stream["pix_fmt"]) == ("h264", "yuv420p")
    assert stream["nb_read_frames"] == "15"
    assert (stream["width"], stream["height"]) == (10, 10)


def test_a_series_becomes_a_film_with_what_is_to_be_written_into_it(clinic: str, stocked: Box, tmp_path: Path) -> None:
    program("ffmpeg")
    uid = named(stocked, "BRAINIX")
    series = stocked.storage.studies.instances(uid)[0].series_instance_uid
    some = stocked.storage.studies.instances(uid, series)
    target = f"{clinic}/studies/{uid}/series/{series}/rendered?viewport=64,64&annotation=patient"
    answer = requests.get(target, headers=MP4, timeout=120)
    (tmp_path / "a.mp4").write_bytes(answer.content)
    stream = probed(tmp_path / "a.mp4")
    assert stream["nb_read_frames"] == str(len(some))
    assert (stream["width"], stream["height"]) == (64, 64)


def test_only_the_head_is_sent_where_only_it_is_asked_for(clinic: str, dose: Instance) -> None:
    program("ffmpeg")
    answer = requests.head(url(clinic, dose), headers=MP4, timeout=60)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "video/mp4")


def test_without_the_program_the_reason_is_told_or_the_next_best_sent(
    clinic: str, dose: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(film, "installed", lambda: False)
    answer = requests.get(url(clinic, dose), headers=MP4, timeout=60)
    assert answer.status_code == 406
    assert "ffmpeg" in answer.text
    answer = requests.get(url(clinic, dose), headers={"Accept": "video/mp4, image/gif;q=0.5"}, timeout=60)
    assert answer.headers["Content-Type"] == "image/gif"


def test_a_program_that_fails_costs_the_film_alone(
    clinic: str, dose: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("ffmpeg")
    monkeypatch.setattr(film, "command", lambda _size, _rate: ["false"])
    answer = requests.get(url(clinic, dose), headers=MP4, timeout=60)
    assert answer.status_code == 503
    monkeypatch.undo()
    assert requests.get(url(clinic, dose), headers={"Accept": "image/png"}, timeout=60).status_code == 200


def test_sides_are_even_and_no_longer_than_phones_play() -> None:
    assert "scale=1920:958:" in " ".join(command((3841, 1919), 10))
    assert "scale=2:2:" in " ".join(command((1, 3), 10))
