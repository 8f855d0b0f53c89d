"""C-GET and C-MOVE as dcmtk and our own caller ask for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread

from appliance.box import Box
from appliance.dicom import part10
from appliance.dimse.client.find import find
from appliance.dimse.client.get import get
from appliance.dimse.client.move import move
from appliance.dimse.client.ourselves import Ourselves
from appliance.peers.faults import PeerError
from appliance.priors.progress import Progress
from appliance.spool.spool import Spool
from appliance.storage.rows import Peer
from tests.support.files import brainix, knee
from tests.support.ourselves import OURSELVES
from tests.support.programs import free_port
from tests.support.querying import BRAINIX, KNEE, MR, PATIENT_ROOT, getscu, movescu, serving, stocked
from tests.support.scp import acceptor, data_sets, storescp, uids

J2K = "1.2.840.10008.1.2.4.90"
BRAINS, KNEES = 6, 3


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box with an uncompressed study of two series and one in JPEG 2000."""
    with stocked(
        tmp_path_factory.mktemp("retrieve") / "box", [*brainix()[:3], *brainix()[-3:], *knee()[:KNEES]]
    ) as made:
        yield made


def never() -> bool:
    return False


def fetched(
    peer: Peer, study: str, folder: Path, sop_classes: tuple[str, ...] = (MR,)
) -> tuple[Progress | None, Spool]:
    """Our own C-GET, which keeps the data sets as they come."""
    spool = Spool(folder, "fetch")
    return get(peer, study, sop_classes or (MR,), lambda _: None, never, ourselves=OURSELVES, spool=spool), spool


@pytest.mark.parametrize(("study", "files"), [(BRAINIX, [*brainix()[:3], *brainix()[-3:]]), (KNEE, knee()[:KNEES])])
def test_a_get_brings_the_bytes_as_they_are_stored(peer: Peer, tmp_path: Path, study: str, files: list[Path]) -> None:
    done, spool = fetched(peer, study, tmp_path)
    assert done == Progress(len(files))
    assert data_sets(entry.path for entry in spool.waiting()) == data_sets(files)


def test_what_a_get_brings_tells_where_it_came_from(peer: Peer, tmp_path: Path) -> None:
    _, spool = fetched(peer, KNEE, tmp_path)
    with spool.waiting()[0].path.open("rb") as file:
        origin = part10.read(file).origin
    assert origin is not None
    assert (origin.via, origin.source_ae, origin.called_ae) == ("C-GET", "PACSBOX", OURSELVES.title)


def test_jpeg_2000_comes_decompressed_where_it_is_not_taken(port: int, tmp_path: Path) -> None:
    said = getscu(port, tmp_path, "QueryRetrieveLevel=STUDY", f"StudyInstanceUID={KNEE}")
    assert "Received C-GET Response (Success)" in said
    arrived = {found.SOPInstanceUID: found for found in map(dcmread, tmp_path.glob("MR*"))}
    for original in map(dcmread, knee()[:KNEES]):
        found = arrived[original.SOPInstanceUID]
        assert found.file_meta.TransferSyntaxUID != J2K
        assert found.PhotometricInterpretation == original.PhotometricInterpretation
        assert (found.pixel_array == original.pixel_array).all()


@pytest.mark.parametrize(
    ("keys", "count"),
    [
        (["QueryRetrieveLevel=PATIENT", "PatientID=5Yp0E"], BRAINS),
        (["QueryRetrieveLevel=STUDY", f"StudyInstanceUID={BRAINIX}\\{KNEE}"], BRAINS + KNEES),
        (["QueryRetrieveLevel=SERIES", f"SeriesInstanceUID={dcmread(brainix()[0]).SeriesInstanceUID}"], 3),
        (["QueryRetrieveLevel=IMAGE", f"SOPInstanceUID={uids(brainix()[0])[1]}\\{uids(brainix()[-1])[1]}"], 2),
        (["QueryRetrieveLevel=STUDY", "StudyInstanceUID=1.2.3"], 0),
    ],
)
def test_a_retrieval_names_what_it_wants_by_unique_keys(port: int, tmp_path: Path, keys: list[str], count: int) -> None:
    said = getscu(port, tmp_path, *keys, model=PATIENT_ROOT)
    assert "Received C-GET Response (Success)" in said
    assert f"Number of Completed Suboperations : {count}" in said
    assert len(list(tmp_path.glob("MR*"))) == count


@pytest.mark.parametrize("keys", [["QueryRetrieveLevel=STUDY", "PatientID=5Yp0E"], ["StudyInstanceUID=1.2"]])
def test_a_retrieval_without_its_unique_key_fetches_nothing(port: int, tmp_path: Path, keys: list[str]) -> None:
    assert "DataSetDoesNotMatchSOPClass" in getscu(port, tmp_path, *keys)


def test_what_the_caller_cannot_take_is_told_of_by_instance(peer: Peer, tmp_path: Path) -> None:
    with pytest.raises(PeerError, match=r"could not send the study \(A702\)"):
        fetched(peer, BRAINIX, tmp_path, "1.2.840.10008.5.1.4.1.1.2")


def test_a_damaged_file_fails_alone(tmp_path: Path) -> None:
    with stocked(tmp_path / "box", brainix()[:3]) as made:
        with made.own_storage() as storage:
            damaged = next(iter(storage.studies.kept([uids(brainix()[1])[1]]).values()))
        path = made.blobs.path(damaged.blob_key)
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[:1000])
        with serving(made) as port:
            said = getscu(port, tmp_path / "got", "QueryRetrieveLevel=STUDY", f"StudyInstanceUID={BRAINIX}")
            done, _ = fetched(Peer("BOX", "PACSBOX", "127.0.0.1", port), BRAINIX, tmp_path / "spool")
    assert "Number of Failed Suboperations    : 1" in said
    assert "Number of Completed Suboperations : 2" in said
    assert done == Progress(2, failed=1)


def test_a_get_that_is_cancelled_ends_with_what_was_sent(peer: Peer, tmp_path: Path) -> None:
    told: list[Progress] = []
    done = get(
        peer, BRAINIX, (MR,), told.append, lambda: bool(told), ourselves=OURSELVES, spool=Spool(tmp_path, "fetch")
    )
    assert done is not None
    assert 1 <= done.arrived < BRAINS
    assert done.arrived + done.remaining == BRAINS
    assert not done.failed


def known(box: Box, peer: Peer, title: str) -> None:
    """The box knows `peer` by this title."""
    box.peers.add(f"to {title}", title, peer.host, peer.port)
    box.close()


def test_a_move_sends_to_a_peer_that_is_known_and_counts_along(box: Box, port: int, tmp_path: Path) -> None:
    with storescp(tmp_path / "peer") as peer:
        known(box, peer, "MOVE-TO")
        said = movescu(port, "MOVE-TO", "QueryRetrieveLevel=STUDY", f"StudyInstanceUID={BRAINIX}")
    assert said.count("Received Move Response") == BRAINS - 1
    assert "0x0000: Success" in said
    assert data_sets((tmp_path / "peer").iterdir()) == data_sets([*brainix()[:3], *brainix()[-3:]])


def test_a_move_decompresses_where_the_destination_asks_for_it(box: Box, port: int, tmp_path: Path) -> None:
    with storescp(tmp_path / "peer", "+xi") as peer:
        known(box, peer, "IMPLICIT")
        said = movescu(port, "IMPLICIT", "QueryRetrieveLevel=STUDY", f"StudyInstanceUID={KNEE}")
    assert "0x0000: Success" in said
    originals = {found.SOPInstanceUID: found for found in map(dcmread, knee()[:KNEES])}
    for found in map(dcmread, (tmp_path / "peer").iterdir()):
        assert found.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2"
        assert (found.pixel_array == originals[found.SOPInstanceUID].pixel_array).all()


def test_a_move_tells_who_asked_for_it(box: Box, peer: Peer) -> None:
    with acceptor() as scp:
        known(box, scp.peer, "TELL-ME")
        move(peer, BRAINIX, "", lambda _: None, never, ourselves=Ourselves("TELL-ME"))
    assert {(str(title).strip(), bool(number)) for title, number in scp.asked_by} == {("TELL-ME", True)}


def test_a_move_to_nobody_that_is_known_is_refused(port: int) -> None:
    said = movescu(port, "NOBODY", "QueryRetrieveLevel=STUDY", f"StudyInstanceUID={BRAINIX}")
    assert "0xa801" in said
    assert "the move destination is no peer of this box" in said


def test_a_move_to_one_that_is_down_names_all_instances_and_the_reason(box: Box, port: int) -> None:
    known(box, Peer("", "", "127.0.0.1", free_port()), "DOWN")
    said = movescu(port, "DOWN", "QueryRetrieveLevel=STUDY", f"StudyInstanceUID={BRAINIX}")
    assert "0xa702" in said
    assert "Failed Suboperations          : 6" in said
    assert "nothing listens on port" in said
    assert all(uids(path)[1] in said for path in [*brainix()[:3], *brainix()[-3:]])


def test_a_move_of_which_some_are_refused_is_a_warning_that_names_them(box: Box, port: int) -> None:
    refused = uids(brainix()[1])[1]
    with acceptor(lambda uid: 0x0110 if uid == refused else 0xB000) as scp:
        known(box, scp.peer, "PICKY")
        said = movescu(port, "PICKY", "QueryRetrieveLevel=STUDY", f"StudyInstanceUID={BRAINIX}")
    assert "0xb000" in said
    assert "Failed Suboperations          : 1" in said
    assert "Warning Suboperations         : 5" in said
    assert f"[{refused}]" in said


def test_a_move_that_is_cancelled_ends(box: Box, peer: Peer) -> None:
    told: list[Progress] = []
    with acceptor() as scp:
        known(box, scp.peer, "STOPPED")
        done = move(peer, BRAINIX, "", told.append, lambda: bool(told), ourselves=Ourselves("STOPPED"))
    assert done.arrived + done.remaining == BRAINS
    assert len(scp.received) == done.arrived


def test_answers_that_are_queued_for_the_network_thread_come_too(box: Box, tmp_path: Path) -> None:
    with serving(box, hot=False) as port:
        peer = Peer("BOX", "PACSBOX", "127.0.0.1", port)
        done, spool = fetched(peer, KNEE, tmp_path)
        assert len(list(find(peer, {"SOPInstanceUID": ""}, ourselves=OURSELVES, level="IMAGE"))) == BRAINS + KNEES
    assert done == Progress(KNEES)
    assert data_sets(entry.path for entry in spool.waiting()) == data_sets(knee()[:KNEES])
