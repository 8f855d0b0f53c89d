"""P-DATA however a peer may cut it, between other messages, by TLS; the same by both ways of reading."""

from __future__ import annotations

import gc
import inspect
import logging
import os
import socket
import ssl
import struct
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pynetdicom
import pytest
from pynetdicom.association import Association
from pynetdicom.dul import DULServiceProvider
from pynetdicom.timer import Timer
from pynetdicom.transport import AssociationSocket

from appliance.dimse import inside, line
from appliance.dimse.line import Line
from tests.support.certificates import contexts
from tests.support.files import PYDICOM
from tests.support.receiving import Receiving, instance, receiving
from tests.support.scu import EXPLICIT, IMPLICIT, Scu, element, store_command
from tests.support.waiting import wait_for

META, DATA = instance(PYDICOM / "test_files" / "CT_small.dcm")
CT, UID = META.sop_class_uid, META.sop_instance_uid
VERIFICATION = "1.2.840.10008.1.1"
CONTEXT = [(CT, [EXPLICIT]), (VERIFICATION, [IMPLICIT])]
_ECHO = element(0x0002, VERIFICATION.encode()) + element(0x0100, b"\x30\0") + element(0x0110, b"\7\0")
ECHO = element(0, struct.pack("<I", len(_ECHO) + 10)) + _ECHO + element(0x0800, b"\1\1")


@pytest.fixture(params=[True, False], ids=["hot", "pynetdicom"])
def hot(request: pytest.FixtureRequest) -> bool:
    way: bool = request.param
    return way


@pytest.fixture
def box(tmp_path: Path, hot: bool) -> Iterator[Receiving]:
    with receiving(tmp_path, hot) as running:
        yield running


def pdv(context: int, control: int, value: bytes) -> bytes:
    return struct.pack(">IBB", len(value) + 2, context, control) + value


def pdu(*pdvs: bytes) -> bytes:
    body = b"".join(pdvs)
    return struct.pack(">BBI", 4, 0, len(body)) + body


def message(*, commands: int, fragment: int, per_pdu: int, data: bytes = DATA) -> bytes:
    """A C-STORE whose command is cut in so many fragments, its data set in fragments of so many bytes."""
    command = store_command(CT, UID)
    step = -(-len(command) // commands)
    pdvs = [pdv(1, 1 | 2 * (at + step >= len(command)), command[at : at + step]) for at in range(0, len(command), step)]
    for at in range(0, len(data), fragment):
        pdvs.append(pdv(1, 2 * (at + fragment >= len(data)), data[at : at + fragment]))
    return b"".join(pdu(*pdvs[at : at + per_pdu]) for at in range(0, len(pdvs), per_pdu))


@pytest.mark.parametrize(
    ("commands", "fragment", "per_pdu"), [(1, 131_000, 1), (1, 4000, 1), (3, 4000, 4), (7, 1001, 1000), (1, 7, 500)]
)
def test_a_message_may_be_cut_anyhow(box: Receiving, commands: int, fragment: int, per_pdu: int) -> None:
    with Scu(box.port).associate(CONTEXT) as scu:
        scu.socket.sendall(message(commands=commands, fragment=fragment, per_pdu=per_pdu))
        assert scu.response().status == 0
    ((_, kept),) = box.kept()
    assert kept == DATA


def test_it_may_come_byte_by_byte(box: Receiving) -> None:
    with Scu(box.port).associate(CONTEXT) as scu:
        whole = message(commands=2, fragment=30_000, per_pdu=1)
        for at in range(400):
            scu.socket.sendall(whole[at : at + 1])
        scu.socket.sendall(whole[400:-1])
        scu.socket.sendall(whole[-1:])
        assert scu.response().status == 0
    assert [kept for _, kept in box.kept()] == [DATA]


def test_a_pdu_may_be_larger_than_our_buffer(tmp_path: Path, hot: bool) -> None:
    data = DATA[:-2] + os.urandom(900_000)
    with receiving(tmp_path, hot, max_pdu=1 << 20) as box, Scu(box.port).associate(CONTEXT) as scu:
        scu.socket.sendall(message(commands=1, fragment=950_000, per_pdu=1, data=data))
        assert scu.response().status == 0
        assert [kept for _, kept in box.kept()] == [data]


def test_an_empty_last_fragment_ends_the_data_set(box: Receiving) -> None:
    with Scu(box.port).associate(CONTEXT) as scu:
        scu.socket.sendall(pdu(pdv(1, 3, store_command(CT, UID))) + pdu(pdv(1, 0, DATA)) + pdu(pdv(1, 2, b"")))
        assert scu.response().status == 0
    assert [kept for _, kept in box.kept()] == [DATA]


def test_a_peer_need_not_wait_for_the_answer(box: Receiving) -> None:
    with Scu(box.port).associate(CONTEXT) as scu:
        scu.socket.sendall(5 * message(commands=1, fragment=16_000, per_pdu=1) + pdu(pdv(3, 3, ECHO)))
        assert [scu.response().status for _ in range(6)] == [0] * 6
    assert len(box.kept()) == 5


def test_other_messages_may_come_between(box: Receiving) -> None:
    with Scu(box.port).associate(CONTEXT) as scu:
        for _ in range(5):
            scu.fragment(3, 3, ECHO)
            assert scu.response().status == 0
            assert scu.store(1, CT, UID, DATA).status == 0
            assert scu.store(1, CT, UID, DATA).status == 0
    assert len(box.kept()) == 10


def test_a_release_may_follow_at_once(box: Receiving) -> None:
    scu = Scu(box.port).associate(CONTEXT)
    scu.socket.sendall(message(commands=1, fragment=16_000, per_pdu=1) + b"\5\0\0\0\0\4\0\0\0\0")
    assert scu.response().status == 0
    assert scu.pdu()[0] == 6
    scu.socket.close()
    assert len(box.kept()) == 1


def test_an_abort_within_an_instance_leaves_nothing(box: Receiving, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    scu = Scu(box.port).associate(CONTEXT)
    scu.socket.sendall(message(commands=1, fragment=10_000, per_pdu=1)[:20_300])
    wait_for(box.drafts)
    scu.socket.sendall(message(commands=1, fragment=10_000, per_pdu=1)[20_300:-500])
    scu.socket.close()
    wait_for(lambda: not box.drafts())
    aborting = Scu(box.port).associate(CONTEXT)
    aborting.socket.sendall(pdu(pdv(1, 3, store_command(CT, UID))) + pdu(pdv(1, 0, DATA[:5000])))
    wait_for(box.drafts)
    aborting.socket.sendall(b"\7\0\0\0\0\4\0\0\0\0")
    wait_for(lambda: not box.drafts())
    aborting.socket.close()
    wait_for(lambda: caplog.text.count("broken off") == 2)
    assert not box.kept()


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (pdu(pdv(1, 3, store_command(CT, UID))) + pdu(pdv(1, 0, DATA)[:-1]), "a fragment longer than its PDU"),
        (pdu(pdv(1, 3, store_command(CT, UID)), b"\0\0\0"), "a PDU that ends within a fragment"),
        (pdu(struct.pack(">IB", 1, 1), pdv(1, 0, b"x")), "an empty fragment"),
        (
            pdu(pdv(1, 3, store_command(CT, UID)), pdv(3, 2, DATA)),
            "a data set on another presentation context than its command's",
        ),
    ],
    ids=["longer", "rest", "empty", "context"],
)
def test_what_is_wrong_with_a_fragment_is_told(
    box: Receiving, caplog: pytest.LogCaptureFixture, sent: bytes, told: str, hot: bool
) -> None:
    scu = Scu(box.port).associate(CONTEXT)
    scu.socket.sendall(sent)
    assert scu.pdu()[0] in (0, 7)
    scu.socket.close()
    wait_for(lambda: not box.drafts())
    if hot:
        wait_for(lambda: f"broke the protocol: {told}" in caplog.text)


def test_a_silent_peer_is_not_hung_up_on_while_it_works(tmp_path: Path, hot: bool) -> None:
    """The timer starts anew with each message, also for what pynetdicom serves after a long time of ours."""
    with receiving(tmp_path, hot, idle_timeout=5) as box, Scu(box.port).associate(CONTEXT) as scu:
        pause = threading.Event()
        for _ in range(7):
            assert scu.store(1, CT, UID, DATA).status == 0
            pause.wait(1.0)
        scu.fragment(3, 3, ECHO)
        assert scu.response().status == 0


def test_connections_that_have_ended_leave_no_buffers(box: Receiving) -> None:
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(30):
            with Scu(box.port).associate(CONTEXT):
                pass
        wait_for(lambda: tracemalloc.get_traced_memory()[0] < 10 * line._BUFFER, 20)
    finally:
        tracemalloc.stop()
        gc.enable()


def test_many_at_once(box: Receiving) -> None:
    def send() -> None:
        with Scu(box.port).associate(CONTEXT) as scu:
            statuses.extend(scu.store(1, CT, UID, DATA).status for _ in range(5))

    statuses: list[int] = []
    senders = [threading.Thread(target=send) for _ in range(20)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert statuses == [0] * 100
    assert [kept for _, kept in box.kept()] == [DATA] * 100


def test_by_tls_too(tmp_path: Path, hot: bool) -> None:
    server, client = contexts(tmp_path)
    large = DATA[:-2] + os.urandom(1 << 20)
    with receiving(tmp_path, hot, server) as box:
        with Scu(box.port, tls=client).associate(CONTEXT) as scu:
            assert scu.store(1, CT, UID, large, 131_000).status == 0
            scu.fragment(3, 3, ECHO)
            assert scu.response().status == 0
            scu.socket.sendall(3 * message(commands=2, fragment=5000, per_pdu=3))
            assert [scu.response().status for _ in range(3)] == [0] * 3
            threading.Event().wait(3 * line._SLICE)
            assert scu.store(1, CT, UID, DATA).status == 0
        assert sorted(len(kept) for _, kept in box.kept()) == sorted([len(large), *[len(DATA)] * 4])


def test_a_tls_handshake_that_is_none_harms_nobody(tmp_path: Path, hot: bool, caplog: pytest.LogCaptureFixture) -> None:
    server, client = contexts(tmp_path)
    with receiving(tmp_path, hot, server) as box:
        slow = socket.create_connection(("127.0.0.1", box.port))
        with socket.create_connection(("127.0.0.1", box.port)) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
            with suppress(ssl.SSLError, ConnectionError):
                plain.recv(100)
        with Scu(box.port, tls=client).associate(CONTEXT) as scu:
            assert scu.store(1, CT, UID, DATA).status == 0
        slow.close()
    wait_for(lambda: "127.0.0.1: TLS: HTTP_REQUEST" in caplog.text)
    assert "Traceback" not in caplog.text


def test_pynetdicoms_inside_is_the_one_that_we_know() -> None:
    """Read `inside.py` again, with the new pynetdicom beside it, before the version there is changed."""
    assert pynetdicom.__version__ == inside.READ_IN
    assert inside.is_known()
    reactor = inspect.getsource(Association._run_reactor)
    rest, look = reactor.index("self._reactor_checkpoint.wait()"), reactor.index("self.dimse.get_msg(block=False)")
    assert reactor.index("self._is_paused = True") < rest < reactor.index("self._is_paused = False", rest) < look
    for woken in (Association.kill, Association._abort_blocking):
        assert "self._reactor_checkpoint.set()" in inspect.getsource(woken)
    network = inspect.getsource(DULServiceProvider)
    for used in (
        "self.socket.ready",
        "self.socket.recv(6)",
        "self.socket.recv(pdu_length)",
        "self._idle_timer.restart()",
    ):
        assert used in network, used
    for queue in ("to_provider_queue", "to_user_queue", "event_queue"):
        assert f"self.{queue}: " in network, queue
    assert callable(Timer.restart)
    assert isinstance(inspect.getattr_static(AssociationSocket, "ready"), property)
    assert "self.socket.send(" in inspect.getsource(AssociationSocket.send)
    assert set(dir(AssociationSocket)) & {"_inside", "_arrivals", "_hot", "_patience", "_buffer", "_fault"} == set()
    assert issubclass(Line, AssociationSocket)


def test_another_pynetdicom_serves_by_its_own_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inside, "READ_IN", "0.0")
    with receiving(tmp_path) as box:
        assert not box.receiver._hot
        with Scu(box.port).associate(CONTEXT) as scu:
            assert scu.store(1, CT, UID, DATA).status == 0
