"""STOW-RS to servers that take, refuse, stumble and break off: through the queue, as staff send."""

from __future__ import annotations

import os
import tracemalloc
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from threading import Event

import pytest
from pydicom import dcmread

from appliance import events
from appliance.box import Box
from appliance.dicomweb import store
from appliance.dicomweb.link import DicomwebLink
from appliance.peers.faults import Fault, PeerError
from appliance.storage.rows import Peer, TransferItem, TransferState
from appliance.transfers.ledger import Outcome
from tests.conftest import Fill
from tests.dicomweb.conftest import Known
from tests.support.dicomweb import Answer, Asked, Script, report, serving
from tests.support.files import brainix, shared
from tests.support.sending import at_work, over, put_off


def uid(file: bytes) -> str:
    return str(dcmread(BytesIO(file), stop_before_pixels=True).SOPInstanceUID)


def uids(asked: Asked) -> list[str]:
    return [uid(file) for file in asked.instances]


@pytest.fixture
def stocked(box: Box, fill: Fill) -> Box:
    """Twelve images of one study."""
    fill(brainix()[:12])
    return box


def items(box: Box) -> list[TransferItem]:
    """The images of the only study."""
    (study,) = box.storage.studies.study_uids()
    return [
        TransferItem(each.sop_instance_uid, each.sop_class_uid, each.transfer_syntax_uid, each.blob_key, each.size)
        for each in box.storage.studies.instances(study)
    ]


class Sent:
    """One sending, with what was reported of it."""

    def __init__(self, link: DicomwebLink, box: Box, peer: Peer) -> None:
        self.outcomes: list[Outcome] = []
        self.fault: PeerError | None = None
        self.items = items(box)
        try:
            link.send(peer, self.items, self.outcomes.append, lambda: False)
        except PeerError as fault:
            self.fault = fault

    @property
    def taken(self) -> set[str]:
        return {each.sop_instance_uid for each in self.outcomes if each.sent}

    @property
    def refused(self) -> dict[str, str]:
        return {each.sop_instance_uid: each.note for each in self.outcomes if not each.sent}


def sent(link: DicomwebLink, box: Box, known: Known, script: Script) -> tuple[Sent, list[Asked]]:
    """What came of sending the stocked study to a server that answers as `script`."""
    with serving(script) as server:
        return Sent(link, box, known(server)), server.asked


def test_files_go_as_they_are_several_in_a_request(link: DicomwebLink, stocked: Box, known: Known) -> None:
    done, asked = sent(link, stocked, known, lambda each: report(200, uids(each)))
    assert done.fault is None and done.taken == {item.sop_instance_uid for item in done.items}
    (request,) = asked
    assert (request.method, request.path) == ("POST", "/dicom-web/studies")
    assert request.headers["Accept"] == "application/dicom+json"
    assert request.instances == [stocked.blobs.path(item.blob_key).read_bytes() for item in done.items]
    assert int(request.headers["Content-Length"]) == len(request.body)


def test_requests_are_bounded(link: DicomwebLink, stocked: Box, known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_INSTANCES", 5)
    done, asked = sent(link, stocked, known, lambda each: report(200, uids(each)))
    assert [len(each.instances) for each in asked] == [5, 5, 2]
    size = done.items[0].size
    monkeypatch.setattr(store, "MOST_BYTES", 3 * size + 10)
    assert max(sum(parcel.item.size for parcel in batch) for batch in store.batches(done.items)) <= 3 * size + 10


def test_an_image_that_is_refused_costs_no_other(link: DicomwebLink, stocked: Box, known: Known) -> None:
    def script(asked: Asked) -> Answer:
        first, second, third, *others = uids(asked)
        return report(202, [third, *others], {first: 0x0122, second: 0x0111})

    done, _ = sent(link, stocked, known, script)
    first, second = (item.sop_instance_uid for item in done.items[:2])
    assert done.refused == {first: "CLINIC-B does not take its kind (0122)."}
    assert len(done.taken) == 11 and second in done.taken
    assert {each.note for each in done.outcomes if each.sent} == {"", "CLINIC-B had it already (0111)."}


def test_a_server_that_refuses_all_for_one_is_asked_until_it_is_clear_which(
    link: DicomwebLink, stocked: Box, known: Known
) -> None:
    bad: list[str] = []

    def script(asked: Asked) -> Answer:
        found = uids(asked)
        bad[:] = bad or [found[7]]
        return Answer(400, b"no") if bad[0] in found else report(200, found)

    done, asked = sent(link, stocked, known, script)
    assert done.fault is None and done.refused == {bad[0]: "CLINIC-B did not take it, and said no more than HTTP 400."}
    assert len(done.taken) == 11 and len(asked) < 12


def test_too_large_a_request_is_made_smaller_and_too_large_an_image_refused(
    link: DicomwebLink, stocked: Box, known: Known
) -> None:
    largest: list[str] = []

    def script(asked: Asked) -> Answer:
        found = uids(asked)
        largest[:] = largest or [found[3]]
        return report(200, found) if len(found) <= 3 and largest[0] not in found else Answer(413)

    done, _ = sent(link, stocked, known, script)
    assert done.fault is None and len(done.taken) == 11
    assert "takes no image of 1 MB (413): ask them to raise the limit" in done.refused[largest[0]]


@pytest.mark.parametrize("status", [415, 409])
def test_what_a_server_does_not_take_compressed_goes_uncompressed(
    link: DicomwebLink, box: Box, fill: Fill, known: Known, status: int
) -> None:
    fill([next(shared("transfer-syntaxes").glob("*1.2.840.10008.1.2.4.70*.dcm"))])

    def script(asked: Asked) -> Answer:
        (file,) = asked.instances
        if dcmread(BytesIO(file)).file_meta.TransferSyntaxUID != "1.2.840.10008.1.2.1":
            return Answer(415) if status == 415 else report(409, failed={uid(file): 0xC122})
        return report(200, [uid(file)])

    done, asked = sent(link, box, known, script)
    assert done.fault is None and len(done.taken) == 1 and len(asked) == 2
    plain = dcmread(BytesIO(asked[1].instances[0]))
    assert (plain.pixel_array == dcmread(BytesIO(asked[0].instances[0])).pixel_array).all()


def test_what_is_not_taken_in_any_form_is_refused(link: DicomwebLink, stocked: Box, known: Known) -> None:
    done, _ = sent(link, stocked, known, lambda _: Answer(415))
    assert done.fault is None and set(done.refused.values()) == {"CLINIC-B does not take uncompressed images."}


@pytest.mark.parametrize(
    ("answer", "fault", "requests"),
    [
        (Answer(401), Fault.UNAUTHORIZED, 1),
        (Answer(403), Fault.FORBIDDEN, 1),
        (Answer(404), Fault.NOT_DICOMWEB, 1),
        (Answer(302, headers={"Location": "/x"}), Fault.NOT_DICOMWEB, 1),
        (Answer(503), Fault.BUSY, 1),
        (None, Fault.LOST, 1),
        (Answer(507), Fault.FULL, 6),
        (Answer(500), Fault.FAILED, 6),
    ],
)
def test_what_waiting_may_cure_settles_nothing(
    link: DicomwebLink, stocked: Box, known: Known, answer: Answer | None, fault: Fault, requests: int
) -> None:
    done, asked = sent(link, stocked, known, lambda _: answer)
    assert done.fault and done.fault.fault is fault
    assert not done.outcomes and len(asked) == requests


def test_one_image_that_a_server_stumbles_over_does_not_keep_the_others_back(
    link: DicomwebLink, stocked: Box, known: Known
) -> None:
    bad: list[str] = []

    def script(asked: Asked) -> Answer:
        found = uids(asked)
        bad[:] = bad or [found[4]]
        return Answer(500) if bad[0] in found else report(200, found)

    done, _ = sent(link, stocked, known, script)
    assert done.fault and done.fault.fault is Fault.FAILED
    assert len(done.taken) == 11 and not done.refused


def test_an_early_no_is_heard_while_we_still_send(
    link: DicomwebLink, stocked: Box, known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MOST_INSTANCES", 1)

    with serving(lambda _: Answer(413, headers={"Connection": "close"}), reads=False) as server:
        done = Sent(link, stocked, known(server))
    assert done.fault is None and len(done.refused) == 12


def test_a_file_that_is_gone_or_cut_costs_no_other(link: DicomwebLink, stocked: Box, known: Known) -> None:
    (study,) = stocked.storage.studies.study_uids()
    gone, cut, *_ = stocked.storage.studies.instances(study)
    stocked.blobs.path(gone.blob_key).unlink()
    path = stocked.blobs.path(cut.blob_key)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:1000])
    done, _ = sent(link, stocked, known, lambda each: report(200, uids(each)))
    assert done.refused == {
        gone.sop_instance_uid: "Its file is not in the archive any more.",
        cut.sop_instance_uid: "Its file is damaged on this box.",
    }
    assert len(done.taken) == 10


def test_a_large_image_streams(link: DicomwebLink, box: Box, known: Known, tmp_path: Path) -> None:
    assert not box.storage.peers.all()  # the index is there before the archive
    size = 500 << 20
    blob = box.config.data_dir / "archive" / "ab" / ("0" * 32) / "large.dcm"
    blob.parent.mkdir(parents=True)
    with blob.open("wb") as file:
        file.truncate(size)
    came: list[int] = []

    def script(asked: Asked) -> Answer:
        assert asked.handler
        left = int(asked.headers["Content-Length"])
        while left:
            left -= len(asked.handler.rfile.read(min(left, 1 << 20)))
        came.append(int(asked.headers["Content-Length"]))
        return report(200, ["1.2.3"])

    item = TransferItem("1.2.3", "1.2.840.10008.5.1.4.1.1.77.1.6", "1.2.840.10008.1.2.1", f"ab/{0:032}/large.dcm", size)
    outcomes: list[Outcome] = []
    with serving(script, reads=False) as server:
        peer = known(server)
        tracemalloc.start()
        try:
            link.send(peer, [item], outcomes.append, lambda: False)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert [each.sent for each in outcomes] == [True] and came[0] > size
    assert peak < 48 << 20, f"{peak >> 20} MB"


def test_a_lost_large_image_says_what_may_cut_it(
    link: DicomwebLink, stocked: Box, known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LARGE", 100)
    monkeypatch.setattr(store, "MOST_INSTANCES", 1)
    first: list[str] = []

    def script(asked: Asked) -> Answer | None:
        first[:] = first or uids(asked)
        return None if first == uids(asked) else report(200, uids(asked))

    done, _ = sent(link, stocked, known, script)
    assert done.fault and "may cut what is over 100 MB" in str(done.fault)
    assert len(done.taken) == 11, "the others went"


def test_a_stop_breaks_off_within_a_request(link: DicomwebLink, stocked: Box, known: Known) -> None:
    stop = Event()

    def script(_: Asked) -> Answer:
        assert stop.wait(30)
        return Answer(200)

    with serving(script, reads=False) as server:
        looks = iter(range(1000))

        def stopped() -> bool:
            if next(looks) > 4:
                stop.set()
            return stop.is_set()

        outcomes: list[Outcome] = []
        link.send(known(server), items(stocked), outcomes.append, stopped)
    assert not outcomes


def test_success_said_before_all_was_sent_is_none(link: DicomwebLink, stocked: Box, known: Known) -> None:
    size = 32 << 20  # more than the kernel keeps for a server that doesn't read
    item = replace(items(stocked)[0], size=size)
    path = stocked.blobs.path(item.blob_key)
    path.chmod(0o600)
    os.truncate(path, size)
    outcomes: list[Outcome] = []
    with (
        serving(lambda _: report(200, [item.sop_instance_uid]), reads=False) as server,
        pytest.raises(PeerError, match="lost in the middle"),
    ):
        link.send(known(server), [item], outcomes.append, lambda: False)
    assert not outcomes


def test_a_restart_sends_only_what_is_not_confirmed(
    stocked: Box, known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MOST_INSTANCES", 4)
    came: list[list[str]] = []

    def script(asked: Asked) -> Answer | None:
        came.append(uids(asked))
        return None if len(came) == 2 else report(200, came[-1])

    (study,) = stocked.storage.studies.study_uids()
    with serving(script) as server:
        known(server)
        transfer = stocked.transfers.enqueue(study, "CLINIC-B")
        with at_work(stocked.sender(delay=lambda *_: 600.0)):
            waiting = put_off(stocked, transfer)
        assert (waiting.sent, waiting.message) == (4, "The connection to CLINIC-B was lost in the middle.")
        with at_work(stocked.sender(delay=lambda *_: 0.05)):
            stocked.transfers.cancel(transfer.id)
            assert stocked.transfers.retry(transfer.id)
            assert over(stocked, transfer).state is TransferState.DONE
    first, lost, *later = came
    assert not set(first) & {each for batch in later for each in batch}
    assert lost == later[0] and sum(map(len, later)) == 8


def test_a_refusal_ends_the_transfer_and_is_told_by_image(stocked: Box, known: Known) -> None:
    def script(asked: Asked) -> Answer:
        first, *others = uids(asked)
        return report(202, others, {first: 0xC000})

    (study,) = stocked.storage.studies.study_uids()
    with serving(script) as server:
        known(server)
        with at_work(stocked.sender()):
            done = over(stocked, stocked.transfers.enqueue(study, "CLINIC-B"))
    assert (done.state, done.sent, done.refused) == (TransferState.FAILED, 11, 1)
    assert done.message == "1 of 12 images not sent: CLINIC-B could not make sense of it (C000)."
    told = [each for each in stocked.storage.events.since(0) if each.kind == events.TRANSFER_CHANGED]
    assert [each.detail["state"] for each in told][-1] == "failed"
