"""The metadata of studies, series and instances (PS3.18 10.4.1.1.2, Annex F)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom.dataset import Dataset

from appliance.box import Box
from appliance.storage.sqlite.studies import SqliteStudies
from tests.support.clinic import ROOT
from tests.support.files import brainix


@pytest.fixture(scope="module")
def brain() -> Dataset:
    return pydicom.dcmread(brainix()[0])


def without_bulk(json: dict[str, Any]) -> Dataset:
    return Dataset.from_json(json, lambda _tag, _vr, _uri: b"")


def test_a_study_has_the_metadata_of_all_its_instances_in_order(client: DICOMwebClient, brain: Dataset) -> None:
    listed = [without_bulk(each) for each in client.retrieve_study_metadata(brain.StudyInstanceUID)]
    assert len(listed) == 44
    order = [(each.SeriesNumber, each.SeriesInstanceUID, each.InstanceNumber) for each in listed]
    assert order == sorted(order)
    of_series = client.retrieve_series_metadata(brain.StudyInstanceUID, brain.SeriesInstanceUID)
    assert len(of_series) == 22


@pytest.mark.parametrize(("room", "at_once"), [(1, 1), (40_000, 6), (1 << 30, 64)])
def test_of_instances_with_much_metadata_fewer_are_read_at_a_time(
    clinic: str, brain: Dataset, monkeypatch: pytest.MonkeyPatch, room: int, at_once: int
) -> None:
    url, read, sizes = f"{clinic}/studies/{brain.StudyInstanceUID}/metadata", SqliteStudies.metadata_of, []

    def noted(studies: SqliteStudies, uids: Sequence[str]) -> list[bytes]:
        sizes.append(len(uids))
        return read(studies, uids)

    whole = requests.get(url, timeout=20).json()
    monkeypatch.setattr("web.dicomweb.metadata._ROOM", room)
    monkeypatch.setattr(SqliteStudies, "metadata_of", noted)
    assert requests.get(url, timeout=20).json() == whole
    assert (sum(sizes), sizes[0]) == (44, 8)
    assert max(sizes[1:]) <= at_once


def test_an_instances_metadata_is_what_its_file_says(client: DICOMwebClient, brain: Dataset) -> None:
    uids = (brain.StudyInstanceUID, brain.SeriesInstanceUID, brain.SOPInstanceUID)
    (json,) = [client.retrieve_instance_metadata(*uids)]
    told = without_bulk(json)
    for element in brain:
        if element.VR not in ("SQ", "OW", "OB", "UN") and element.tag != 0x00080005 and element.tag.element:
            assert told[element.tag].value == element.value or not element.value, element
    assert json["7FE00010"] == {
        "vr": "OW",
        "BulkDataURI": f"{ROOT}/studies/{uids[0]}/series/{uids[1]}/instances/{uids[2]}/bulkdata/7FE00010",
    }
    assert json["00083002"]["Value"] == [brain.file_meta.TransferSyntaxUID]


def test_every_level_answers_in_json_and_only_in_that(clinic: str, brain: Dataset) -> None:
    study = f"{clinic}/studies/{brain.StudyInstanceUID}"
    series = f"{study}/series/{brain.SeriesInstanceUID}"
    for url in (study, series, f"{series}/instances/{brain.SOPInstanceUID}"):
        answer = requests.get(f"{url}/metadata", headers={"Accept": "application/json"}, timeout=10)
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.json()
        answer = requests.get(f"{url}/metadata", headers={"Accept": "image/png"}, timeout=10)
        assert answer.status_code == 406


def test_packed_and_plain_answers_are_the_same(clinic: str, brain: Dataset) -> None:
    url = f"{clinic}/studies/{brain.StudyInstanceUID}/metadata"
    packed = requests.get(url, timeout=10)
    plain = requests.get(url, headers={"Accept-Encoding": "gzip;q=0"}, timeout=10)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert packed.content == plain.content


@pytest.mark.parametrize(
    "path",
    [
        "studies/1.2.3.4/metadata",
        "studies/{study}/series/1.2.3/metadata",
        "studies/{study}/series/1.2.3/instances/{instance}/metadata",
        "studies/1.2.3/series/{series}/instances/{instance}/metadata",
        "studies/1.2.3/series/{series}/metadata",
    ],
)
def test_what_is_not_here_or_not_there_is_not_found(clinic: str, brain: Dataset, path: str) -> None:
    uids = {"study": brain.StudyInstanceUID, "series": brain.SeriesInstanceUID, "instance": brain.SOPInstanceUID}
    assert requests.get(f"{clinic}/{path.format(**uids)}", timeout=10).status_code == 404


def test_an_instance_deleted_meanwhile_does_not_spoil_the_list(stocked: Box, brain: Dataset) -> None:
    from web.dicomweb.metadata import _listed

    studies = stocked.storage.studies
    assert _listed(studies, ["1.2.3"], ROOT) == b""
    assert _listed(studies, ["1.2.3", brain.SOPInstanceUID], ROOT).startswith(b"{")
