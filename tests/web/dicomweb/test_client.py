"""dicomweb-client, all of its calls, against the box."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom import dcmread

from appliance.box import Box
from appliance.dicom.model import Instance
from tests.support.clinic import ROOT, named, opened
from tests.support.files import brainix
from tests.support.indexing import indexing

Call = Callable[[DICOMwebClient, Instance, str], Any]


@pytest.fixture(scope="session")
def mr(stocked: Box) -> Instance:
    return stocked.storage.studies.instances(named(stocked, "BRAINIX"))[0]


def uids(of: Instance) -> tuple[str, str, str]:
    return of.study_instance_uid, of.series_instance_uid, of.sop_instance_uid


def bulk(client: DICOMwebClient, of: Instance, root: str) -> str:
    """The URL of its pixels; the client wants a whole one."""
    path: str = client.retrieve_instance_metadata(*uids(of))["7FE00010"]["BulkDataURI"]
    return root.removesuffix(ROOT) + path


CALLS: dict[str, Call] = {
    "search_for_studies": lambda client, of, _: client.search_for_studies(search_filters={"PatientName": "BRAINIX"}),
    "search_for_series": lambda client, of, _: client.search_for_series(of.study_instance_uid, fields=["Modality"]),
    "search_for_instances": lambda client, of, _: client.search_for_instances(
        *uids(of)[:2], limit=3, get_remaining=True
    ),
    "retrieve_study_metadata": lambda client, of, _: client.retrieve_study_metadata(of.study_instance_uid),
    "retrieve_series_metadata": lambda client, of, _: client.retrieve_series_metadata(*uids(of)[:2]),
    "retrieve_instance_metadata": lambda client, of, _: client.retrieve_instance_metadata(*uids(of)),
    "retrieve_study": lambda client, of, _: client.retrieve_study(of.study_instance_uid),
    "retrieve_series": lambda client, of, _: client.retrieve_series(*uids(of)[:2]),
    "retrieve_instance": lambda client, of, _: client.retrieve_instance(*uids(of)),
    "iter_study": lambda client, of, _: list(client.iter_study(of.study_instance_uid)),
    "iter_series": lambda client, of, _: list(client.iter_series(*uids(of)[:2])),
    "retrieve_instance_frames": lambda client, of, _: client.retrieve_instance_frames(*uids(of), [1]),
    "iter_instance_frames": lambda client, of, _: list(client.iter_instance_frames(*uids(of), [1])),
    "retrieve_series_rendered": lambda client, of, _: client.retrieve_series_rendered(
        *uids(of)[:2], media_types=("image/jpeg",)
    ),
    "retrieve_instance_rendered": lambda client, of, _: client.retrieve_instance_rendered(
        *uids(of), media_types=("image/png",), params={"viewport": "64,64"}
    ),
    "retrieve_instance_frames_rendered": lambda client, of, _: client.retrieve_instance_frames_rendered(
        *uids(of), [1], media_types=("image/jpeg",), params={"quality": 50}
    ),
    "retrieve_bulkdata": lambda client, of, root: client.retrieve_bulkdata(bulk(client, of, root)),
    "iter_bulkdata": lambda client, of, root: list(client.iter_bulkdata(bulk(client, of, root))),
}
NOT_OFFERED = ("delete_study", "delete_series", "delete_instance")
NO_REQUESTS = {"lookup_keyword", "lookup_tag", "set_chunk_size", "set_http_retry_params"}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", CALLS)
def test_every_call_gets_what_it_asks_for(client: DICOMwebClient, clinic: str, mr: Instance, name: str) -> None:
    assert CALLS[name](client, mr, clinic)


def test_no_call_is_left_out() -> None:
    public = {
        name for name in dir(DICOMwebClient) if not name.startswith("_") and callable(getattr(DICOMwebClient, name))
    }
    assert public == {*CALLS, *NOT_OFFERED, *NO_REQUESTS, "store_instances"}


@pytest.mark.parametrize("name", NOT_OFFERED)
def test_deleting_is_not_offered(client: DICOMwebClient, mr: Instance, name: str) -> None:
    level = NOT_OFFERED.index(name) + 1
    with pytest.raises(requests.HTTPError, match="405"):
        getattr(client, name)(*uids(mr)[:level])


@pytest.fixture
def indexed(box: Box) -> Iterator[str]:
    """An empty box, its indexer running."""
    with indexing(box), opened(box) as doors:
        yield doors.clinic + ROOT


def test_what_it_stores_it_finds_and_gets_back(indexed: str) -> None:
    client, dataset = DICOMwebClient(indexed), dcmread(brainix()[0])
    answer = client.store_instances([dataset], dataset.StudyInstanceUID)
    assert len(answer.ReferencedSOPSequence) == 1
    place = (dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)
    assert client.retrieve_instance(*place).PixelData == dataset.PixelData
