"""Whole transfers to dcmtk: queue, sender, storescp and dcmqrscp."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydicom import dcmread

from appliance.box import Box
from appliance.peers.faults import Fault
from appliance.storage.rows import Peer, Transfer, TransferState
from tests.conftest import Fill
from tests.support.files import brainix, knee, shared
from tests.support.programs import free_port, program
from tests.support.scp import answers, data_sets, storescp
from tests.support.sending import at_work, over, put_off
from tests.support.waiting import wait_for


def enqueue(box: Box, peer: Peer) -> Transfer:
    """Queue the one study of the box for `peer`."""
    if not box.storage.peers.get(peer.name):
        box.peers.add(peer.name, peer.ae_title, peer.host, peer.port)
    (study,) = box.storage.studies.study_uids()
    return box.transfers.enqueue(study, peer.name)


def at_once(_fault: Fault, attempts: int, limit: int) -> float | None:
    return 0.0 if attempts < limit else None


def three_times(fault: Fault, attempts: int, _limit: int) -> float | None:
    return at_once(fault, attempts, 3)


def test_a_study_arrives_with_the_data_sets_that_came_in(box: Box, fill: Fill, tmp_path: Path) -> None:
    fill(brainix())
    with storescp(tmp_path / "peer") as peer, at_work(box.sender()):
        done = over(box, enqueue(box, peer))
    assert (done.state, done.sent, done.message) == (TransferState.DONE, 44, "")
    assert data_sets((tmp_path / "peer").iterdir()) == data_sets(brainix())


def test_jpeg_2000_goes_as_it_is_where_it_is_taken(box: Box, fill: Fill, tmp_path: Path) -> None:
    fill(knee())
    with storescp(tmp_path / "peer", "+xa") as peer, at_work(box.sender()):
        assert over(box, enqueue(box, peer)).state is TransferState.DONE
    assert data_sets((tmp_path / "peer").iterdir()) == data_sets(knee())


def test_jpeg_2000_is_decompressed_where_it_is_not_taken(box: Box, fill: Fill, tmp_path: Path) -> None:
    fill(knee()[:3])
    with storescp(tmp_path / "peer") as peer, at_work(box.sender()):
        assert over(box, enqueue(box, peer)).state is TransferState.DONE
    arrived = {found.SOPInstanceUID: found for found in map(dcmread, (tmp_path / "peer").iterdir())}
    assert {found.file_meta.TransferSyntaxUID for found in arrived.values()} == {"1.2.840.10008.1.2.1"}
    for original in map(dcmread, knee()[:3]):
        assert (arrived[original.SOPInstanceUID].pixel_array == original.pixel_array).all()


def test_a_peer_that_reads_implicit_vr_alone_gets_it(box: Box, fill: Fill, tmp_path: Path) -> None:
    source = shared("transfer-syntaxes", "LittleEndianExplicit_1.2.840.10008.1.2.1.dcm")
    fill([source])
    with storescp(tmp_path / "peer", "+xi") as peer, at_work(box.sender()):
        assert over(box, enqueue(box, peer)).state is TransferState.DONE
    (arrived,) = (tmp_path / "peer").iterdir()
    assert dcmread(arrived).file_meta.TransferSyntaxUID == "1.2.840.10008.1.2"
    assert (dcmread(arrived).pixel_array == dcmread(source).pixel_array).all()


def test_a_peer_that_is_down_gets_it_when_it_is_up(box: Box, fill: Fill, tmp_path: Path) -> None:
    fill(brainix()[:5])
    down = Peer("CLINIC-B", "STORESCP", "127.0.0.1", free_port())
    may_try = [60.0]
    with at_work(box.sender(lambda *_: may_try[0])):
        transfer = enqueue(box, down)
        assert "nothing listens on port" in put_off(box, transfer).message
        # Staff don't wait for the pause to end.
        assert box.transfers.cancel(transfer.id)
        with storescp(tmp_path / "peer", port=down.port):
            assert box.transfers.retry(transfer.id)
            assert over(box, transfer).state is TransferState.DONE
    assert len(list((tmp_path / "peer").iterdir())) == 5


def test_a_pause_ends_by_itself(box: Box, fill: Fill, tmp_path: Path) -> None:
    fill(brainix()[:2])
    down = Peer("CLINIC-B", "STORESCP", "127.0.0.1", free_port())
    with at_work(box.sender(lambda *_: 0.2)):
        transfer = enqueue(box, down)
        put_off(box, transfer)
        with storescp(tmp_path / "peer", port=down.port):
            assert over(box, transfer).state is TransferState.DONE


def test_a_refusal_fails_at_once_and_says_what_to_do(box: Box, fill: Fill, tmp_path: Path) -> None:
    fill(brainix()[:2])
    with storescp(tmp_path / "peer", "--refuse") as peer, at_work(box.sender()):
        now = over(box, enqueue(box, peer))
    assert (now.state, now.attempts) == (TransferState.FAILED, 1)
    assert now.message.startswith("CLINIC-B refused us without giving a reason")


def test_a_peer_that_breaks_off_each_time_is_given_up_in_the_end(box: Box, fill: Fill, tmp_path: Path) -> None:
    fill(brainix()[:2])
    for option in ("--abort-during", "--abort-after"):
        with storescp(tmp_path / "peer", option) as peer, at_work(box.sender(three_times)):
            now = over(box, enqueue(box, peer))
        assert now.state is TransferState.FAILED
        assert "in the middle" in now.message
        assert now.message.endswith("Given up after 3 tries.")
        assert now.sent == 0
        box.peers.remove("CLINIC-B")


@contextmanager
def dcmqrscp(folder: Path, knows: str) -> Iterator[Peer]:
    """dcmtk's archive, which takes only the AE title `knows` for its store area QR."""
    (folder / "db").mkdir(parents=True)
    port = free_port()
    (folder / "qr.cfg").write_text(
        f"""NetworkTCPPort = {port}
MaxPDUSize = 16384
MaxAssociations = 4
HostTable BEGIN
us = ({knows}, 127.0.0.1, 104)
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
QR {folder / "db"} RW (200, 1024mb) us
AETable END
"""
    )
    process = subprocess.Popen(
        [program("dcmqrscp"), "-q", "-dhl", "-c", str(folder / "qr.cfg")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(lambda: answers(port), what="dcmqrscp")
        yield Peer("CLINIC-B", "QR", "127.0.0.1", port)
    finally:
        process.kill()
        process.wait()


def test_an_archive_that_knows_us_takes_the_study(box: Box, fill: Fill, tmp_path: Path) -> None:
    fill(brainix()[:3])
    with dcmqrscp(tmp_path / "qr", "PACSBOX") as peer, at_work(box.sender()):
        now = over(box, enqueue(box, peer))
    assert (now.state, now.message) == (TransferState.DONE, "")


def test_an_archive_that_does_not_know_us_or_goes_by_another_name_says_so(box: Box, fill: Fill, tmp_path: Path) -> None:
    fill(brainix()[:1])
    for number, (knows, called) in enumerate((("SOMEONE", "QR"), ("PACSBOX", "WRONG"))):
        with dcmqrscp(tmp_path / f"qr{number}", knows) as peer, at_work(box.sender()):
            now = over(box, enqueue(box, Peer("CLINIC-B", called, peer.host, peer.port)))
        assert (now.state, now.attempts) == (TransferState.FAILED, 1)
        assert now.message == (
            f"CLINIC-B says it is not called {called}: check the AE title under peers;"
            " if it is right, ask them to add ours, PACSBOX."
        )
        box.peers.remove("CLINIC-B")
