"""The server as a peer sees it, also one that is clumsy, hostile, or gone."""

from __future__ import annotations

import logging
import os
import socket
import socketserver
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from appliance.config import Dicom
from appliance.dimse import listener
from appliance.dimse.places import Shared
from appliance.dimse.server import Receiver
from appliance.errors import PacsboxError, StorageFullError
from appliance.spool.spool import Spool
from tests.support.drafts import left_by_a_dead_process
from tests.support.files import PYDICOM
from tests.support.programs import lacking
from tests.support.receiving import Receiving, instance, receiving
from tests.support.scu import EXPLICIT, IMPLICIT, Scu, associate_request, element, maximum_length, store_command
from tests.support.waiting import wait_for

META, DATA = instance(PYDICOM / "test_files" / "CT_small.dcm")
CT, UID = META.sop_class_uid, META.sop_instance_uid
CONTEXT = [(CT, [EXPLICIT])]


@pytest.fixture(params=[True, False], ids=["hot", "pynetdicom"])
def hot(request: pytest.FixtureRequest) -> bool:
    """Both ways in which P-DATA is read: by ourselves, and by pynetdicom."""
    way: bool = request.param
    return way


@pytest.fixture
def box(tmp_path: Path, caplog: pytest.LogCaptureFixture, hot: bool) -> Iterator[Receiving]:
    caplog.set_level(logging.INFO)
    with receiving(tmp_path, hot) as running:
        yield running


def lines(caplog: pytest.LogCaptureFixture, what: str) -> list[str]:
    return [record.getMessage() for record in caplog.records if what in record.getMessage()]


def still_takes(box: Receiving) -> None:
    before = len(box.kept())
    with Scu(box.port).associate(CONTEXT) as scu:
        assert scu.store(1, CT, UID, DATA).status == 0
    assert len(box.kept()) == before + 1


@pytest.mark.parametrize(
    "name",
    ["MR_small_implicit", "CT_small", "MR_small_bigendian", "image_dfl", "SC_rgb_jpeg", "JPEG2000", "MR_small_RLE"],
)
def test_bytes_are_kept_as_they_came(box: Receiving, name: str) -> None:
    meta, data = instance(PYDICOM / "test_files" / f"{name}.dcm")
    for pdu in (16384, 97):
        with Scu(box.port).associate([(meta.sop_class_uid, [meta.transfer_syntax_uid])], b"CT 1".ljust(16)) as scu:
            assert scu.store(1, meta.sop_class_uid, meta.sop_instance_uid, data, pdu).status == 0
    for kept, bytes_kept in box.kept():
        assert bytes_kept == data
        assert kept.transfer_syntax_uid == meta.transfer_syntax_uid
        assert kept.origin is not None
        assert (kept.origin.source_ae, kept.origin.called_ae, kept.origin.address) == ("CT 1", "PACSBOX", "127.0.0.1")
    assert not box.drafts()


def test_private_retired_and_unheard_of_classes_are_taken(box: Receiving) -> None:
    for uid in ("1.2.840.113619.4.26", "1.2.840.10008.5.1.4.1.1.6", "1.2.840.10008.5.1.4.1.1.99"):
        data = DATA.replace(CT.encode().ljust(26, b"\0"), uid.encode().ljust(26, b"\0"))
        with Scu(box.port).associate([(uid, [EXPLICIT])]) as scu:
            assert scu.store(1, uid, UID, data).status == 0
    assert len(box.kept()) == 3


def test_what_is_not_taken_is_refused_at_negotiation(box: Receiving) -> None:
    asked = [
        (CT, ["1.2.840.113619.5.2"]),
        ("1.2.840.10008.1.20.1", [IMPLICIT]),
        ("../../etc", [IMPLICIT]),
        (CT, ["1.2.840.113619.5.2", IMPLICIT, EXPLICIT]),
    ]
    with Scu(box.port).associate(asked) as scu:
        assert scu.refused == {1: 4, 3: 3, 5: 3}
        assert scu.accepted == {7: EXPLICIT}


@pytest.mark.parametrize(
    ("raw", "title", "news"),
    [
        (b"US1".ljust(16, b"\0"), "US1", "US1 at 127.0.0.1 sends an invalid AE title: it is padded with NUL"),
        (b" " * 16, "", "a caller without AE title at 127.0.0.1 sends an invalid AE title: it is empty"),
        (b"\xc3\x96\x01".ljust(16), "???", "sends an invalid AE title: it has characters"),
    ],
)
def test_any_calling_title_is_taken_and_told_once(
    box: Receiving, caplog: pytest.LogCaptureFixture, raw: bytes, title: str, news: str
) -> None:
    for _ in range(2):
        with Scu(box.port).associate(CONTEXT, raw) as scu:
            assert scu.store(1, CT, UID, DATA).status == 0
    assert [meta.origin and meta.origin.source_ae for meta, _ in box.kept()] == [title, title]
    assert len(lines(caplog, news)) == 1


def test_refusals_name_the_caller_and_the_reason_but_no_patient(
    box: Receiving, caplog: pytest.LogCaptureFixture
) -> None:
    with Scu(box.port).associate(CONTEXT) as scu:
        assert scu.store(1, CT, "../../etc/passwd", DATA).status == 0x0117
        answer = scu.store(1, CT, "1.2.3", DATA)
        assert (answer.status, answer.comment) == (0xA900, "the data set's SOP Instance UID differs from the command's")
        assert scu.store(1, "1.2.840.10008.5.1.4.1.1.4", UID, DATA).status == 0xA900
        assert scu.store(1, CT, UID, DATA[:300]).status == 0xC000
        assert scu.store(1, CT, UID, DATA).status == 0, "one bad instance does not end the association"
    told = lines(caplog, "refused (")
    assert len(told) == 4
    assert told[0].startswith("TEST at 127.0.0.1: an instance was refused (0x0117): ")
    wait_for(lambda: lines(caplog, "TEST at 127.0.0.1: 1 stored, 4 refused, 0.0 MB"))
    assert "CompressedSamples" not in caplog.text
    assert len(box.kept()) == 1
    assert not box.drafts()


def test_a_request_without_data_set_is_answered(box: Receiving) -> None:
    with Scu(box.port).associate(CONTEXT) as scu:
        scu.fragment(1, 3, store_command(CT, UID, data=False))
        assert scu.response().status == 0xA900


@pytest.mark.parametrize("user", [b"", maximum_length(0), maximum_length(1), maximum_length(0xFFFFFFFF)])
def test_an_odd_maximum_length_of_the_peer_does_not_keep_the_answer_from_it(box: Receiving, user: bytes) -> None:
    with Scu(box.port).associate(CONTEXT, user=user) as scu:
        assert scu.store(1, CT, UID, DATA).status == 0


def test_a_connection_that_breaks_within_an_instance_leaves_nothing(
    box: Receiving, caplog: pytest.LogCaptureFixture
) -> None:
    for reset in (False, True):
        scu = Scu(box.port).associate(CONTEXT)
        scu.fragment(1, 3, store_command(CT, UID))
        scu.fragment(1, 0, DATA[:20_000])
        wait_for(box.drafts)
        if reset:
            scu.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        scu.socket.close()
        wait_for(lambda: not box.drafts())
    wait_for(lambda: len(lines(caplog, "broken off")) == 2)
    assert not box.kept()


def _p_data(context: int, header: int, value: bytes) -> bytes:
    body = struct.pack(">IBB", len(value) + 2, context, header) + value
    return struct.pack(">BBI", 4, 0, len(body)) + body


@pytest.mark.parametrize(
    "sent",
    [
        _p_data(9, 3, store_command(CT, UID)),
        _p_data(1, 3, store_command(CT, UID)) + _p_data(1, 3, store_command(CT, UID)),
        _p_data(1, 3, b"no command at all"),
        _p_data(1, 3, element(0x0100, b"\x77\x77") + element(0x0800, b"\1\0")),
        _p_data(1, 2, b"data without command"),
        b"\4\0\0\0\0\5\0\0\0\1\1",
        b"\4\0\0\0\0\4\0\0\0\0",
        b"GET / HTTP/1.1\r\nHost: pacsbox\r\n\r\n",
        b"\4\0\xff\xff\xff\xff" + b"x" * 100_000,
    ],
    ids=["context", "two", "garbage", "unknown", "stray", "short", "none", "http", "huge"],
)
def test_a_peer_that_breaks_the_protocol_is_hung_up_on_and_others_are_served(box: Receiving, sent: bytes) -> None:
    scu = Scu(box.port).associate(CONTEXT)
    scu.socket.sendall(sent)
    with suppress(ConnectionResetError):
        assert scu.pdu()[0] in (0, 7)
    scu.socket.close()
    wait_for(lambda: not box.drafts())
    still_takes(box)


@pytest.mark.parametrize("sent", [b"", b"\0" * 200, b"GET / HTTP/1.1\r\n\r\n", associate_request(CONTEXT)[:30]])
def test_a_probe_that_asks_for_no_association_harms_nobody(box: Receiving, sent: bytes) -> None:
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", box.port)) as probe:
            probe.sendall(sent)
    still_takes(box)


def test_a_context_without_transfer_syntax_harms_nobody(box: Receiving) -> None:
    with Scu(box.port).associate([(CT, []), (CT, [EXPLICIT])]) as scu:
        assert scu.store(3, CT, UID, DATA).status == 0


def test_peers_that_fall_silent_are_given_up(tmp_path: Path, hot: bool) -> None:
    """Between messages `idle_timeout` counts, within one `dimse_timeout`: each has its own peer here."""
    with receiving(tmp_path / "idle", hot, idle_timeout=5, dimse_timeout=3600) as box:
        scu = Scu(box.port).associate(CONTEXT)
        assert scu.pdu()[0] in (0, 7)
        scu.socket.close()
    with receiving(tmp_path / "dimse", hot, idle_timeout=3600, dimse_timeout=5) as box:
        between_pdus, within_a_pdu = Scu(box.port).associate(CONTEXT), Scu(box.port).associate(CONTEXT)
        for scu in (between_pdus, within_a_pdu):
            scu.fragment(1, 3, store_command(CT, UID))
            scu.fragment(1, 0, DATA[:5000])
        within_a_pdu.socket.sendall(_p_data(1, 0, DATA[5000:9000])[:-100])
        wait_for(box.drafts)
        for scu in (between_pdus, within_a_pdu):
            assert scu.pdu()[0] in (0, 7)
            scu.socket.close()
        wait_for(lambda: not box.drafts())


def test_no_more_associations_than_allowed(tmp_path: Path, caplog: pytest.LogCaptureFixture, hot: bool) -> None:
    caplog.set_level(logging.INFO)
    with receiving(tmp_path, hot, max_associations=2) as box:
        first, second = Scu(box.port).associate(CONTEXT), Scu(box.port).associate(CONTEXT)
        third = Scu(box.port)
        third.socket.sendall(associate_request(CONTEXT))
        assert third.pdu() == (3, bytes((0, 2, 3, 2))), "rejected for the moment: local limit exceeded"
        third.socket.close()
        wait_for(lambda: lines(caplog, "TEST at 127.0.0.1: 2 associations are open already"))
        first.__exit__(None)
        wait_for(lambda: lines(caplog, "0 stored"), what="the first to be gone")
        still_takes(box)
        second.__exit__(None)


def test_connections_that_get_no_thread_keep_no_places(
    tmp_path: Path, hot: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    with receiving(tmp_path, hot, max_associations=1) as box:
        with monkeypatch.context() as out_of_threads:
            out_of_threads.setattr(socketserver.ThreadingMixIn, "process_request", none_left)
            for _ in range(Shared.connections_for(1) + 1):
                with socket.create_connection(("127.0.0.1", box.port)) as connection:
                    connection.settimeout(30)
                    assert connection.recv(1) == b""
        still_takes(box)


def test_the_end_waits_for_the_instance_under_way(box: Receiving) -> None:
    scu = Scu(box.port).associate(CONTEXT)
    idle = Scu(box.port).associate(CONTEXT)
    scu.fragment(1, 3, store_command(CT, UID))
    scu.fragment(1, 0, DATA[:20_000])
    wait_for(box.drafts)
    ending = threading.Thread(target=box.receiver.stop)
    ending.start()
    assert idle.pdu()[0] == 7, "one with nothing under way is hung up on at once"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", box.port)).close()
    scu.fragment(1, 2, DATA[20_000:])
    assert scu.response().status == 0
    assert scu.pdu()[0] == 7
    ending.join(30)
    assert not ending.is_alive()
    assert len(box.kept()) == 1
    scu.socket.close()
    idle.socket.close()


def test_the_end_does_not_wait_for_ever(box: Receiving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "_GRACE", 0.1)
    monkeypatch.setattr(listener, "_CUT", 2.0)
    scu = Scu(box.port).associate(CONTEXT)
    scu.fragment(1, 3, store_command(CT, UID))
    scu.socket.sendall(_p_data(1, 0, DATA[:9000])[:-100])
    wait_for(box.drafts)
    box.receiver.stop()
    assert not box.drafts()
    assert not [thread for thread in threading.enumerate() if "Acceptor" in thread.name]
    scu.socket.close()


def test_the_service_runs_until_it_is_told_to_stop(tmp_path: Path) -> None:
    stop = threading.Event()
    receiver = Receiver(Dicom(bind="127.0.0.1", port=0), Spool(tmp_path, "receiver"))
    running = threading.Thread(target=receiver.run, args=(stop,))
    running.start()
    stop.set()
    running.join(30)
    assert not running.is_alive()


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PacsboxError, match=f"port {port} of 127.0.0.1 cannot be opened: Address already in use"):
            Receiver(Dicom(bind="127.0.0.1", port=port), Spool(tmp_path, "receiver")).start()


def test_drafts_of_a_process_that_died_are_swept_at_the_start(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", "receiver")
    left_by_a_dead_process(spool, DATA[:300])
    assert spool.drafts()
    with receiving(tmp_path) as box:
        assert not box.drafts()
        assert not box.kept()


def test_a_disk_that_cannot_be_swept_is_told_and_does_not_keep_it_from_answering(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_spool: Spool) -> None:
        raise StorageFullError("The disk does not take new images: Read-only file system.", "Look at it.")

    monkeypatch.setattr(Spool, "sweep", refuse)
    with receiving(tmp_path) as box:
        still_takes(box)
    assert lines(caplog, "Read-only file system. Look at it.")


def test_it_listens_on_ipv6_too(tmp_path: Path) -> None:
    receiver = Receiver(Dicom(bind="::1", port=0), Spool(tmp_path, "receiver"))
    port = receiver.start()
    try:
        socket.create_connection(("::1", port)).close()
    finally:
        receiver.stop()


def _run_service(folder: Path, before: str = "true") -> tuple[subprocess.Popen[str], int]:
    """`pacsbox receiver` in a process and mount namespace of its own; the port that it says it listens on."""
    environment = {
        **os.environ,
        "PACSBOX_DATA_DIR": str(folder),
        "PACSBOX_DICOM_BIND": "127.0.0.1",
        "PACSBOX_DICOM_PORT": "0",
        "PACSBOX_DICOM_TLS": "off",
        "PACSBOX_STORAGE_RESERVE_MB": "0",
    }
    start = f"{before} && exec {sys.executable} -c 'from appliance.cli.main import main; main()' receiver"
    command = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]), "sh", "-c", start]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if " port " in line:
            return process, int(line.rsplit(" ", 1)[1])
    process.wait()
    if process.returncode == 1:
        lacking("a mount namespace of one's own needs root, or is not permitted")
    pytest.fail("it did not start")


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.communicate(timeout=20)


def test_a_full_disk_refuses_and_takes_again_when_there_is_space(tmp_path: Path) -> None:
    """On a real file system of 3 MB, which only the service sees."""
    disk = tmp_path / "disk"
    disk.mkdir()
    process, port = _run_service(disk, f"mount -t tmpfs -o size=3m pacsbox {disk}")
    inside = Path(f"/proc/{process.pid}/root{disk}/spool")
    try:
        filler = inside / "filler"
        filler.write_bytes(bytes(2_500_000))
        large = DATA[:-2] + bytes(600_000)
        with Scu(port).associate(CONTEXT) as scu:
            answers = [scu.store(1, CT, UID, large) for _ in range(3)]
            assert [answer.status for answer in answers] == [0xA700] * 3
            assert answers[0].comment == "The disk does not take new images: No space left on device"
            assert not list((inside / "new").iterdir())
            filler.unlink()
            assert scu.store(1, CT, UID, large).status == 0
        assert len(list((inside / "new").iterdir())) == 1
    finally:
        _end(process)


def test_a_read_only_disk_refuses(tmp_path: Path) -> None:
    disk = tmp_path / "box" / "spool"
    disk.mkdir(parents=True)
    process, port = _run_service(tmp_path / "box", f"mount -t tmpfs -o size=3m pacsbox {disk}")
    inside = [f"--target={process.pid}", "--mount", *([] if os.geteuid() == 0 else ["--user"])]
    try:
        with Scu(port).associate(CONTEXT) as scu:
            assert scu.store(1, CT, UID, DATA).status == 0
            subprocess.run(["nsenter", *inside, "mount", "-o", "remount,ro", str(disk)], check=True)
            answer = scu.store(1, CT, UID, DATA)
            assert (answer.status, "Read-only" in answer.comment) == (0xA700, True)
    finally:
        _end(process)


def test_memory_does_not_grow_with_the_instance(tmp_path: Path) -> None:
    process, port = _run_service(tmp_path / "box")
    try:
        before = _peak(process.pid)
        large = DATA[:-2] + bytes(60 << 20)
        with Scu(port).associate(CONTEXT) as scu:
            assert scu.store(1, CT, UID, large, 131_000).status == 0
        assert _peak(process.pid) - before < 12 << 20
    finally:
        _end(process)


def _peak(pid: int) -> int:
    """The most memory that a process ever had, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024
