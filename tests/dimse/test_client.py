"""We as a caller, against dcmtk's storescp, an SCP that answers as told, and ports that misbehave."""

from __future__ import annotations

import io
import os
import shutil
import socket
import struct
import tracemalloc
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import pytest
from pydicom import DataElement, Dataset, dcmread

from appliance.dicom import part10
from appliance.dicom.model import Origin
from appliance.dimse.client import pdu
from appliance.dimse.client.association import Association, Limits
from appliance.dimse.client.certificate import certificate
from appliance.dimse.client.echo import echo
from appliance.dimse.client.pdu import Context
from appliance.dimse.client.send import MAX_CONTEXTS, first_batch, send
from appliance.peers.faults import Fault, PeerError
from appliance.storage.rows import Peer, TransferItem
from appliance.transfers.ledger import Outcome
from tests.support.files import brainix, knee, pydicom_files, shared
from tests.support.ourselves import OURSELVES
from tests.support.programs import free_port
from tests.support.scp import acceptor, data_set, data_sets, misbehaving, storescp, uids

QUICK = Limits(connect=0.3, greeting=0.3, write=0.3, answer=0.3, farewell=0.3)
"""For those who never answer."""
UNANSWERED = Limits(answer=0.3, farewell=0.3)
"""For those who let us in, and then never answer."""
MR = "1.2.840.10008.5.1.4.1.1.4"
EXPLICIT = "1.2.840.10008.1.2.1"


class Folder:
    """`Blobs` whose keys are paths."""

    def open(self, key: str) -> BinaryIO:
        return Path(key).open("rb")


def items(paths: Iterable[Path]) -> list[TransferItem]:
    found = []
    for path in paths:
        sop_class, sop_instance, transfer_syntax = uids(path)
        found.append(TransferItem(sop_instance, sop_class, transfer_syntax, str(path), path.stat().st_size))
    return found


@dataclass
class Sending:
    """Sends to a peer, and keeps what it reports."""

    scratch: Path
    outcomes: list[Outcome] = field(default_factory=list)
    stop_after: int = 1_000_000

    def __call__(self, peer: Peer, what: Sequence[TransferItem], limits: Limits | None = None) -> list[Outcome]:
        send(
            peer,
            what,
            self.outcomes.append,
            lambda: len(self.outcomes) >= self.stop_after,
            ourselves=OURSELVES,
            blobs=Folder(),  # type: ignore[arg-type]
            scratch=self.scratch,
            limits=limits,
        )
        return self.outcomes

    @property
    def sent(self) -> list[str]:
        return [outcome.sop_instance_uid for outcome in self.outcomes if outcome.sent]


@pytest.fixture
def sending(tmp_path: Path) -> Sending:
    return Sending(tmp_path)


def test_an_echo_is_answered(tmp_path: Path) -> None:
    with storescp(tmp_path / "peer") as peer:
        assert 0 < echo(peer, OURSELVES).milliseconds < 5000


def fault_of(peer: Peer, limits: Limits | None = None) -> PeerError:
    with pytest.raises(PeerError) as caught:
        echo(peer, OURSELVES, limits)
    return caught.value


def test_nothing_listens() -> None:
    fault = fault_of(Peer("CLINIC-B", "B", "127.0.0.1", free_port()))
    assert fault.fault is Fault.NOT_LISTENING
    assert "nothing listens on port" in str(fault)


def test_a_name_without_address() -> None:
    assert fault_of(Peer("CLINIC-B", "B", "pacs.clinic-b.invalid", 104)).fault is Fault.UNKNOWN_HOST
    assert fault_of(Peer("CLINIC-B", "B", "two..dots", 104)).fault is Fault.UNKNOWN_HOST


def test_no_answer_to_the_call() -> None:
    """A listener whose queue is full lets the kernel drop calls, as a machine that is switched off does."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            assert fault_of(Peer("CLINIC-B", "B", "127.0.0.1", port), QUICK).fault is Fault.SILENT


def never_answers(caller: socket.socket) -> None:
    while caller.recv(4096):
        pass


def hangs_up(caller: socket.socket) -> None:
    caller.recv(65536)


def speaks_http(caller: socket.socket) -> None:
    caller.recv(65536)
    caller.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def accepts_in_broken_items(caller: socket.socket) -> None:
    caller.recv(65536)
    body = bytes(68) + b"\x21\0\xff\xff"
    caller.sendall(pdu.HEAD.pack(pdu.ASSOCIATE_AC, len(body)) + body)


def aborts(caller: socket.socket) -> None:
    caller.recv(65536)
    caller.sendall(pdu.ABORT_REQUEST)


@pytest.mark.parametrize(
    ("behave", "fault"),
    [
        (never_answers, Fault.NO_GREETING),
        (hangs_up, Fault.HUNG_UP),
        (aborts, Fault.HUNG_UP),
        (speaks_http, Fault.NOT_DICOM),
        (accepts_in_broken_items, Fault.NOT_DICOM),
    ],
)
def test_what_answers_is_no_dicom_program(behave: Callable[[socket.socket], None], fault: Fault) -> None:
    with misbehaving(behave) as peer:
        assert fault_of(peer, QUICK if behave is never_answers else None).fault is fault


def test_a_peer_that_does_not_know_us_says_so() -> None:
    with acceptor(calling=["SOMEONE"]) as scp:
        fault = fault_of(scp.peer)
    assert fault.fault is Fault.CALLING_AE
    assert str(fault) == "CLINIC-B did not accept our AE title PACSBOX: ask them to add it."


def test_a_peer_that_goes_by_another_name_says_so() -> None:
    with acceptor(called="OTHER") as scp:
        fault = fault_of(scp.peer)
    assert fault.fault is Fault.CALLED_AE
    assert str(fault).startswith("CLINIC-B says it is not called ACCEPTOR: check the AE title under peers")


def test_a_refusal_without_a_reason(tmp_path: Path) -> None:
    with storescp(tmp_path / "peer", "--refuse") as peer:
        assert fault_of(peer).fault is Fault.REFUSED


def test_a_peer_with_too_many_callers_is_busy() -> None:
    with acceptor(most=1) as scp, Association(scp.peer, OURSELVES, [Context(MR, (EXPLICIT,))]):
        assert fault_of(scp.peer).fault is Fault.BUSY


def test_a_service_that_the_peer_has_not() -> None:
    with acceptor() as scp, Association(scp.peer, OURSELVES, [Context("1.2.3.4", (EXPLICIT,))]) as association:
        assert not association.accepted
        assert not association.known


@pytest.mark.parametrize("ask", [echo, certificate])
def test_a_call_by_tls_without_an_identity_is_a_mistake_of_ours(ask: Callable[..., object]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        peer = Peer("CLINIC-B", "B", *server.getsockname(), tls=True)
        with pytest.raises(TypeError, match="no identity"):
            ask(peer, OURSELVES)


def test_data_sets_arrive_as_they_are(tmp_path: Path, sending: Sending) -> None:
    with storescp(tmp_path / "peer") as peer:
        sending(peer, items(brainix()))
    assert [outcome.note for outcome in sending.outcomes] == [""] * 44
    assert data_sets((tmp_path / "peer").iterdir()) == data_sets(brainix())


def test_every_format_arrives_as_it_is_if_the_peer_takes_it(tmp_path: Path, sending: Sending) -> None:
    unknown_to_dcmtk = ("1.2.840.10008.1.2.4.53", "1.2.840.10008.1.2.4.55", "1.2.840.10008.1.2.4.57")
    paths = [*knee()[:2], *shared("transfer-syntaxes").glob("*.dcm")]
    paths = [path for path in paths if uids(path)[2] not in unknown_to_dcmtk]
    with storescp(tmp_path / "peer", "+xa", "-pm", "+uf") as peer:
        for path in paths:  # one by one: they show one image, and so share a SOP Instance UID
            sending(peer, items([path]))
    assert {outcome.note for outcome in sending.outcomes} == {""}
    assert sorted(data_set(path) for path in (tmp_path / "peer").iterdir()) == sorted(data_set(path) for path in paths)


def test_a_small_pdu_of_the_peers_is_kept_to(tmp_path: Path, sending: Sending) -> None:
    with storescp(tmp_path / "peer", "-pdu", "4096") as peer:
        sending(peer, items(brainix()[:2]))
    assert data_sets((tmp_path / "peer").iterdir()) == data_sets(brainix()[:2])


@pytest.mark.parametrize("option", ["+xe", "+xi"])
def test_a_large_image_takes_little_memory_converted_or_not(tmp_path: Path, sending: Sending, option: str) -> None:
    path, size = tmp_path / "large.dcm", 100 << 20
    with path.open("wb") as file:
        file.write(part10.encode(MR, "1.2.3", EXPLICIT, Origin(via="")))
        file.write(struct.pack("<HH2sxxI", 0x7FE0, 0x0010, b"OW", size))
        file.truncate(file.tell() + size)
    with storescp(tmp_path / "peer", "--ignore", option) as peer:
        tracemalloc.start()
        sending(peer, items([path]))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert sending.sent == ["1.2.3"]
    assert most < 8 << 20


def test_a_film_that_the_peer_has_no_format_for_is_named(tmp_path: Path, sending: Sending) -> None:
    film = tmp_path / "film.dcm"
    film.write_bytes(part10.encode(MR, "1.2.3", "1.2.840.10008.1.2.4.102", Origin(via="")) + bytes(8))
    with storescp(tmp_path / "peer") as peer:
        sending(peer, items([film, *brainix()[:1]]))
    assert [outcome.sent for outcome in sending.outcomes] == [False, True]
    assert sending.outcomes[0].note == "CLINIC-B does not take films."


def test_what_cannot_be_decompressed_is_named_and_the_rest_goes_on(tmp_path: Path, sending: Sending) -> None:
    broken = tmp_path / "broken.dcm"
    broken.write_bytes(part10.encode(MR, "1.2.3", "1.2.840.10008.1.2.4.90", Origin(via="")) + bytes(8))
    with storescp(tmp_path / "peer") as peer:
        sending(peer, items([broken, *brainix()[:1]]))
    assert [outcome.sent for outcome in sending.outcomes] == [False, True]
    assert sending.outcomes[0].note.endswith("is damaged, or cannot be converted to what the peer takes.")


def test_a_kind_of_object_that_the_peer_has_not_is_named(sending: Sending) -> None:
    with acceptor(sop_classes=["1.2.840.10008.5.1.4.1.1.2"]) as scp:
        sending(scp.peer, items(brainix()[:1]))
    assert sending.outcomes[0].note == "CLINIC-B does not take MR Images."
    assert not scp.received


def values(dataset: Dataset) -> list[DataElement]:
    """All elements but group lengths, which are retired and differ between encodings."""
    return [element for element in dataset if element.tag.element]


def test_uncompressed_images_are_converted_for_a_peer_of_implicit_vr_alone(tmp_path: Path, sending: Sending) -> None:
    names = ("LittleEndianExplicit_1.2.840.10008.1.2.1", "DeflatedExplicitVRLittleEndian_1.2.840.10008.1.2.1.99")
    for number, path in enumerate(shared("transfer-syntaxes", f"{name}.dcm") for name in names):
        folder = tmp_path / f"peer{number}"
        with storescp(folder, "+xi") as peer:
            sending(peer, items([path]))
        (arrived,) = folder.iterdir()
        assert dcmread(arrived).file_meta.TransferSyntaxUID == "1.2.840.10008.1.2"
        assert values(dcmread(arrived)) == values(dcmread(path))
    assert len(sending.sent) == 2


def test_a_big_endian_image_is_converted_where_it_is_not_taken(tmp_path: Path, sending: Sending) -> None:
    path = shared("transfer-syntaxes", "BigEndianExplicit_1.2.840.10008.1.2.2.dcm")
    with acceptor(sop_classes=[uids(path)[0]], transfer_syntaxes=[EXPLICIT]) as scp:
        sending(scp.peer, items([path]))
    assert sending.sent == scp.received == [uids(path)[1]]


def test_a_breakdown_keeps_what_was_acknowledged(tmp_path: Path, sending: Sending) -> None:
    for option in ("--abort-during", "--abort-after"):
        with storescp(tmp_path / "peer", option) as peer, pytest.raises(PeerError) as caught:
            sending(peer, items(brainix()[:3]))
        assert caught.value.fault in (Fault.ABORTED, Fault.LOST)
    assert sending.outcomes == []


def test_an_acknowledgement_is_reported_before_the_next_image_goes_out(sending: Sending) -> None:
    reported_at_arrival: list[int] = []

    def answer(_uid: str) -> int:
        reported_at_arrival.append(len(sending.outcomes))
        return 0

    with acceptor(answer) as scp:
        sending(scp.peer, items(brainix()[:5]))
    assert reported_at_arrival == [0, 1, 2, 3, 4]


def test_warnings_count_as_sent_and_are_noted(sending: Sending) -> None:
    what = items(brainix()[:5])
    codes = dict(zip([i.sop_instance_uid for i in what], (0xB000, 0xB006, 0xB007, 0x0111, 0), strict=True))
    with acceptor(codes.__getitem__) as scp:
        sending(scp.peer, what)
    assert len(sending.sent) == 5
    notes = [outcome.note for outcome in sending.outcomes]
    assert notes[0] == "CLINIC-B took it with some values changed (B000)."
    assert notes[3] == "CLINIC-B had it already (0111)."
    assert notes[4] == ""


def test_a_refused_image_does_not_keep_the_others(sending: Sending) -> None:
    what = items(brainix()[:5])
    codes = dict(zip([i.sop_instance_uid for i in what], (0, 0xC001, 0xA900, 0x0124, 0), strict=True))
    with acceptor(codes.__getitem__) as scp:
        sending(scp.peer, what)
    assert [outcome.sent for outcome in sending.outcomes] == [True, False, False, False, True]
    assert [outcome.note for outcome in sending.outcomes[1:4]] == [
        "CLINIC-B could not make sense of it (C001).",
        "CLINIC-B says that it is not what it claims to be (A900).",
        "CLINIC-B does not allow us to store it (0124).",
    ]


def test_one_image_without_room_is_left_for_later(sending: Sending) -> None:
    what = items(brainix()[:4])
    codes = dict(zip([i.sop_instance_uid for i in what], (0, 0xA700, 0, 0), strict=True))
    with acceptor(codes.__getitem__) as scp, pytest.raises(PeerError) as caught:
        sending(scp.peer, what)
    assert caught.value.fault is Fault.FULL
    assert sending.sent == [what[0].sop_instance_uid, what[2].sop_instance_uid, what[3].sop_instance_uid]


def test_a_full_peer_is_not_pestered(sending: Sending) -> None:
    with acceptor(lambda _: 0xA700) as scp, pytest.raises(PeerError):
        sending(scp.peer, items(brainix()[:10]))
    assert len(scp.received) == 2


def test_lost_and_damaged_files_are_refused_and_the_others_sent(tmp_path: Path, sending: Sending) -> None:
    lost, damaged, directory, good = items(brainix()[:4])
    (tmp_path / "damaged").write_bytes(b"\0" * damaged.size)
    (tmp_path / "folder").mkdir()
    what = [
        replaced(lost, tmp_path / "nowhere"),
        replaced(damaged, tmp_path / "damaged"),
        replaced(directory, tmp_path / "folder"),
        good,
    ]
    with acceptor() as scp:
        sending(scp.peer, what)
    assert [outcome.sent for outcome in sending.outcomes] == [False, False, False, True]
    assert [outcome.note for outcome in sending.outcomes[:3]] == [
        "Its file is not in the archive any more.",
        "Its file in the archive is damaged, or cannot be converted to what the peer takes.",
        "It could not be read here: Is a directory.",
    ]
    assert scp.received == [good.sop_instance_uid]


def replaced(item: TransferItem, path: Path) -> TransferItem:
    return replace(item, blob_key=str(path))


@pytest.mark.parametrize("change", [-2, 2])
def test_a_file_that_is_not_as_long_as_it_was_is_not_sent_as_good(
    tmp_path: Path, sending: Sending, caplog: pytest.LogCaptureFixture, change: int
) -> None:
    damaged, good = items(brainix()[:2])
    shutil.copyfile(damaged.blob_key, tmp_path / "damaged")
    os.truncate(tmp_path / "damaged", damaged.size + change)
    with acceptor() as scp:
        sending(scp.peer, [replaced(damaged, tmp_path / "damaged"), good])
    assert [outcome.sent for outcome in sending.outcomes] == [False, True]
    assert sending.outcomes[0].note == "Its file is damaged on this box."
    assert scp.received == [good.sop_instance_uid]
    assert [record.levelname for record in caplog.records if "should have" in record.message] == ["ERROR"]


def test_a_disk_that_fails_within_a_file_costs_that_image_alone(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    what = items(brainix()[:3])

    class Failing(io.BytesIO):
        def readinto(self, buffer: bytearray | memoryview, /) -> int:
            if self.tell() > 40_000:
                raise OSError(5, "Input/output error")
            return super().readinto(memoryview(buffer)[:40_000])

    def opened(_self: Folder, key: str) -> BinaryIO:
        return Failing(Path(key).read_bytes()) if key == what[1].blob_key else Path(key).open("rb")

    monkeypatch.setattr(Folder, "open", opened)
    with acceptor() as scp:
        sending(scp.peer, what)
    assert [outcome.sent for outcome in sending.outcomes] == [True, False, True]
    assert sending.outcomes[1].note == "It could not be read here: Input/output error."


def test_stopping_takes_effect_between_two_images(sending: Sending) -> None:
    sending.stop_after = 3
    with acceptor() as scp:
        sending(scp.peer, items(brainix()[:10]))
    assert len(sending.sent) == len(scp.received) == 3


def accepting(behave: Callable[[socket.socket], None]) -> Callable[[socket.socket], None]:
    """Accepts the association by the book, waits for a whole image, and then behaves."""

    def answer(caller: socket.socket) -> None:
        caller.recv(65536)
        context = b"\x21\0" + struct.pack(">H", 8 + len(EXPLICIT) - 4 + 4) + b"\1\0\0\0"
        context += b"\x40\0" + struct.pack(">H", len(EXPLICIT)) + EXPLICIT.encode()
        body = bytes(68) + context
        caller.sendall(pdu.HEAD.pack(pdu.ASSOCIATE_AC, len(body)) + body)
        caller.recv(1 << 20)
        behave(caller)

    return answer


def p_data(body: bytes) -> bytes:
    return pdu.HEAD.pack(pdu.P_DATA, len(body)) + body


def another_number(caller: socket.socket) -> None:
    answer = pdu.command({0x0100: 0x8001, 0x0120: 999, 0x0800: 0x0101, 0x0900: 0})
    caller.sendall(p_data(struct.pack(">IBB", len(answer) + 2, 1, 3) + answer))
    never_answers(caller)


def broken_value(caller: socket.socket) -> None:
    caller.sendall(p_data(struct.pack(">IBB", 5000, 1, 3) + b"abc"))
    never_answers(caller)


def broken_command(caller: socket.socket) -> None:
    caller.sendall(p_data(struct.pack(">IBB", 7, 1, 3) + b"abcde"))
    never_answers(caller)


def endless_pdu(caller: socket.socket) -> None:
    caller.sendall(pdu.HEAD.pack(pdu.P_DATA, 0xFFFFFFFF))
    never_answers(caller)


def releases(caller: socket.socket) -> None:
    caller.sendall(pdu.RELEASE_REQUEST)
    never_answers(caller)


@pytest.mark.parametrize(
    ("behave", "fault"),
    [
        (never_answers, Fault.NO_ANSWER),
        (another_number, Fault.NONSENSE),
        (broken_value, Fault.NONSENSE),
        (broken_command, Fault.NONSENSE),
        (endless_pdu, Fault.NONSENSE),
        (releases, Fault.LOST),
        (lambda caller: caller.sendall(pdu.ABORT_REQUEST), Fault.ABORTED),
    ],
)
def test_a_peer_that_answers_garbage_or_nothing(
    sending: Sending, behave: Callable[[socket.socket], None], fault: Fault
) -> None:
    with misbehaving(accepting(behave)) as peer, pytest.raises(PeerError) as caught:
        small = items(path for path in pydicom_files() if path.name == "MR_small.dcm")
        sending(peer, small, UNANSWERED if behave is never_answers else None)
    assert caught.value.fault is fault
    assert sending.outcomes == []


def test_more_formats_than_an_association_can_have_take_several() -> None:
    what = [TransferItem(f"1.{n}", f"1.2.{n}", EXPLICIT, "", 0) for n in range(100)]
    batch, contexts = first_batch(what)
    assert len(batch) == 64
    assert len(contexts) == MAX_CONTEXTS
    rest, _ = first_batch(what[64:])
    assert [*batch, *rest] == what


def test_several_associations_bring_all(tmp_path: Path, sending: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.dimse.client.send.MAX_CONTEXTS", 3)
    what = items([*brainix()[:2], *knee()[:2], *brainix()[2:4]])
    with storescp(tmp_path / "peer", "+xa") as peer:
        sending(peer, what)
    assert sorted(sending.sent) == sorted(item.sop_instance_uid for item in what)
