"""Orthanc as a DICOMweb server: sending to it, asking it, fetching from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.box import Box
from appliance.peers.faults import Fault, PeerError
from appliance.priors.search import Search
from appliance.storage.rows import TransferState
from tests.conftest import Fill
from tests.support.files import brainix, knee
from tests.support.indexing import drain
from tests.support.orthanc import Orthanc, orthanc
from tests.support.programs import lacking
from tests.support.sending import at_work, over

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
BRAINIX, KNEE = "2.16.840.1.113669.632.20.1211.10000357775", "2.16.840.1.113669.632.20.121711.10000160881"


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """Orthanc with its DICOMweb plugin."""
    if not PLUGIN.exists():
        lacking("orthanc-dicomweb is not installed (see requirements/debian.txt)")
    options = {"Plugins": [str(PLUGIN)], "DicomWeb": {"Enable": True, "Root": "/dicom-web/"}}
    with orthanc(tmp_path_factory.mktemp("orthanc"), {}, **options) as found:
        yield found


@pytest.fixture
def peer(clinic: Orthanc, box: Box) -> str:
    """Its name among the peers of the box."""
    return box.peers.add_web("ORTHANC", f"http://127.0.0.1:{clinic.http_port}/dicom-web").name


def digests(box: Box, study: str) -> dict[str, str]:
    return {each.sop_instance_uid: each.digest for each in box.storage.studies.instances(study)}


def test_studies_go_there_and_come_back_as_they_were(
    clinic: Orthanc, peer: str, box: Box, fill: Fill, tmp_path: Path
) -> None:
    fill([*brainix(), *knee()])
    sent = {study: digests(box, study) for study in (BRAINIX, KNEE)}
    with at_work(box.sender()):
        for study, files in sent.items():
            done = over(box, box.transfers.enqueue(study, peer), 60)
            assert (done.state, done.sent, done.message) == (TransferState.DONE, len(files), "")
    assert clinic.instances().keys() == sent[BRAINIX].keys() | sent[KNEE].keys()
    other = Box(box.config.model_copy(update={"data_dir": tmp_path / "other"}))
    other.peers.add_web("ORTHANC", box.peers.get(peer).url)
    found = {each.study_instance_uid: each for each in other.priors.look("ORTHANC", Search(dates="19000101-"))}
    assert {uid: each.images for uid, each in found.items()} == {uid: len(files) for uid, files in sent.items()}
    assert [each.study_instance_uid for each in box.priors.of_patient(peer, BRAINIX)] == [BRAINIX]
    assert box.priors.of_patient(peer, BRAINIX)[0].here == 44
    for study, files in sent.items():
        assert other.priors.fetch("ORTHANC", study, lambda _: None, lambda: False).arrived == len(files)
        drain(other)
        assert digests(other, study) == files
    (source,) = {each.source_ae for each in other.storage.studies.instances(KNEE)}
    assert source == "ORTHANC"
    other.close()


def test_what_it_does_not_have_is_not_there(peer: str, box: Box) -> None:
    assert box.priors.look(peer, Search(patient_id="nobody")) == []


def test_another_path_is_no_dicomweb_server(peer: str, box: Box) -> None:
    box.peers.change(peer, url=box.peers.get(peer).url.replace("dicom-web", "elsewhere"))
    with pytest.raises(PeerError) as raised:
        box.echo(peer)
    assert raised.value.fault is Fault.NOT_DICOMWEB
