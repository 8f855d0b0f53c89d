"""Query and retrieve with archives of others, both ways: dcmtk's dcmqrscp, and Orthanc."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydicom import dcmread

from appliance.box import Box
from appliance.errors import NotFoundError
from appliance.peers.faults import Fault, PeerError
from appliance.priors.progress import Progress
from appliance.priors.search import Search
from appliance.storage.rows import Peer
from tests.support.files import brainix, knee
from tests.support.orthanc import Orthanc, orthanc
from tests.support.programs import free_port, program
from tests.support.querying import open_box, serving, take_in
from tests.support.scp import answers, uids
from tests.support.waiting import wait_for

BRAINIX = "2.16.840.1.113669.632.20.1211.10000357775"
KNEE = "2.16.840.1.113669.632.20.121711.10000160881"


def never() -> bool:
    return False


def nobody(_progress: Progress) -> None:
    return None


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = open_box(tmp_path / "box", PACSBOX_DICOM_PORT=str(free_port()))
    yield made
    made.close()


@contextmanager
def dcmqrscp(folder: Path, box: Box) -> Iterator[Peer]:
    """dcmtk's archive, which holds three images of BRAINIX and knows the box."""
    folder.mkdir()
    port = free_port()
    configuration = folder / "dcmqrscp.cfg"
    configuration.write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 16\n"
        f"HostTable BEGIN\nbox = (PACSBOX, 127.0.0.1, {box.config.dicom.port})\nHostTable END\n"
        "VendorTable BEGIN\nVendorTable END\n"
        f"AETable BEGIN\nQR {folder} RW (200, 1024mb) ANY\nAETable END\n"
    )
    process = subprocess.Popen(
        [program("dcmqrscp"), "-c", str(configuration)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(lambda: answers(port), 30, "dcmqrscp")
        files = [str(path) for path in brainix()[:3]]
        subprocess.run([program("storescu"), "-aec", "QR", "127.0.0.1", str(port), *files], check=True, timeout=60)
        yield Peer("CLINIC-B", "QR", "127.0.0.1", port)
    finally:
        process.kill()
        process.wait()


def know(box: Box, peer: Peer) -> None:
    box.peers.add(peer.name, peer.ae_title, peer.host, peer.port)


def brought(box: Box) -> set[str]:
    """The SOP Instance UIDs of what came."""
    return {uids(entry.path)[1] for entry in box.spool("test").waiting()}


def test_a_study_is_found_and_fetched_from_dcmqrscp(box: Box, tmp_path: Path) -> None:
    with dcmqrscp(tmp_path / "peer", box) as peer:
        know(box, peer)
        (found,) = box.priors.look("CLINIC-B", Search(name="brainix"))
        assert (found.study_instance_uid, found.patient_name, found.here) == (BRAINIX, "BRAINIX", 0)
        assert box.priors.look("CLINIC-B", Search(name="someone else")) == []
        told: list[Progress] = []
        assert box.priors.fetch("CLINIC-B", BRAINIX, told.append, never) == Progress(3)
    assert [progress.arrived for progress in told if progress.arrived][-1] == 3
    assert brought(box) == {uids(path)[1] for path in brainix()[:3]}


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Orthanc, Box, int]]:
    """Orthanc with two studies, and a box that holds the first one's half; they know each other."""
    folder = tmp_path_factory.mktemp("clinic")
    made = open_box(folder / "box", PACSBOX_DICOM_PORT=str(free_port()))
    take_in(made, brainix()[:4])
    ours = Peer("PACSBOX", "PACSBOX", "127.0.0.1", made.config.dicom.port)
    with serving(made) as port, orthanc(folder / "orthanc", {"box": ours}, DicomAlwaysAllowGet=True) as theirs:
        for path in [*brainix()[:6], *knee()[:3]]:
            theirs.post("/instances", path.read_bytes())
        know(made, theirs.peer)
        yield theirs, made, port
    made.close()


def test_priors_of_a_patient_are_found_at_orthanc(clinic: tuple[Orthanc, Box, int]) -> None:
    _, box, _ = clinic
    (found,) = box.priors.of_patient("CLINIC-B", BRAINIX)
    assert (found.study_instance_uid, found.images, found.here, found.doubt) == (BRAINIX, 6, 4, "")
    assert found.modalities == ("MR",)


def test_a_compressed_study_is_fetched_from_orthanc_as_it_is(clinic: tuple[Orthanc, Box, int]) -> None:
    _, box, _ = clinic
    assert box.priors.fetch("CLINIC-B", KNEE, nobody, never) == Progress(3)
    # Orthanc writes sequences anew; the images are as they were.
    arrived = {uids(entry.path)[1]: entry.path for entry in box.spool("test").waiting()}
    for path in knee()[:3]:
        assert uids(arrived[uids(path)[1]]) == uids(path)
        assert dcmread(arrived[uids(path)[1]]).PixelData == dcmread(path).PixelData


def test_a_study_that_the_peer_has_not_is_named(clinic: tuple[Orthanc, Box, int]) -> None:
    _, box, _ = clinic
    assert box.priors.look("CLINIC-B", Search(patient_id="nobody")) == []
    with pytest.raises(NotFoundError, match="CLINIC-B has no such study"):
        box.priors.fetch("CLINIC-B", "1.2.3", nobody, never)


def test_orthanc_finds_and_moves_from_the_box(clinic: tuple[Orthanc, Box, int]) -> None:
    theirs, _, _ = clinic
    for instance in theirs.instances().values():
        theirs.delete(f"/instances/{instance}")
    query = theirs.post("/modalities/box/query", {"Level": "Study", "Query": {"PatientName": "brain*"}})
    answered = theirs.get(f"/queries/{query['ID']}/answers/0/content?simplify")
    assert answered["StudyInstanceUID"] == BRAINIX
    theirs.post(f"/queries/{query['ID']}/answers/0/retrieve", {"TargetAet": "ORTHANC", "Synchronous": True})
    assert theirs.instances().keys() == {uids(path)[1] for path in brainix()[:4]}
    assert len(theirs.instances()) == 4


def test_without_c_get_the_peer_is_asked_to_send_to_us(box: Box, tmp_path: Path) -> None:
    ours = Peer("PACSBOX", "PACSBOX", "127.0.0.1", box.config.dicom.port)
    with serving(box), orthanc(tmp_path / "orthanc", {"box": ours}, DicomAlwaysAllowGet=False) as theirs:
        for path in brainix()[:3]:
            theirs.post("/instances", path.read_bytes())
        know(box, theirs.peer)
        assert box.priors.fetch("CLINIC-B", BRAINIX, nobody, never) == Progress(3)
        assert brought(box) == {uids(path)[1] for path in brainix()[:3]}


def test_a_peer_that_does_not_know_where_we_are_is_named(box: Box, tmp_path: Path) -> None:
    with orthanc(tmp_path / "orthanc", {}, DicomAlwaysAllowGet=False, DicomAlwaysAllowFind=True) as theirs:
        theirs.post("/instances", brainix()[0].read_bytes())
        know(box, theirs.peer)
        with pytest.raises(PeerError, match="receiver is not running") as caught:
            box.priors.fetch("CLINIC-B", BRAINIX, nobody, never)
        assert caught.value.fault is Fault.OURS
        with serving(box), pytest.raises(PeerError, match=r"CLINIC-B hung up .* know this box as PACSBOX"):
            box.priors.fetch("CLINIC-B", BRAINIX, nobody, never)
