"""Hostile peers against a receiver as it runs: they are answered or hung up on, and everybody else is served.

After each, the receiver holds no more descriptors than before, and hardly more memory.
"""

from __future__ import annotations

import random
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from appliance.dimse.waiting import _GRACE
from tests.support.boxes import RunningBox
from tests.support.files import PYDICOM
from tests.support.growth import Held, held
from tests.support.programs import program
from tests.support.receiving import instance
from tests.support.scu import EXPLICIT, IMPLICIT, Scu, associate_request, element, store_command
from tests.support.waiting import wait_for

CT_FILE = PYDICOM / "test_files" / "CT_small.dcm"
META, DATA = instance(CT_FILE)
CT, UID = META.sop_class_uid, META.sop_instance_uid
FIND = "1.2.840.10008.5.1.4.1.2.2.1"
CONTEXTS = [(CT, [EXPLICIT]), (FIND, [IMPLICIT])]
UNDEFINED = 0xFFFFFFFF
LEVELS = 10_000
_MORE_MEMORY = 60
"""MB."""

_FILES = 6
"""Descriptors that it may have open for itself meanwhile: the index and its notes for the audit."""


class Attacked:
    """A receiver, of one process and few associations, and what it held when nobody had called."""

    def __init__(self, folder: Path) -> None:
        options = {"PROCESSES": "1", "MAX_ASSOCIATIONS": "12", "STRANGERS_MAY": "echo,store,query"}
        environment = {f"PACSBOX_DICOM_{name}": value for name, value in options.items()}
        self.running = RunningBox(folder, **environment, PACSBOX_STORAGE_RESERVE_MB="0")
        self.running.box.peers.add("MODALITY", "MODALITY", "127.0.0.1", 104)
        self.running.start("receiver")
        self.port = self.running.dicom_port
        assert self.store("MODALITY") == 0
        with self.associate() as scu:
            scu.socket.sendall(p_data((3, 3, find_command()), (3, 2, LEVEL)))
            assert scu.response().status == 0
        self.before = self.held()

    def associate(self) -> Scu:
        return Scu(self.port).associate(CONTEXTS)

    def held(self) -> Held:
        return held(self.running.pid("receiver"))

    def store(self, title: str) -> int:
        """dcmtk's exit status."""
        calling = ("-aet", title, "-aec", "PACSBOX", "127.0.0.1", str(self.port))
        return subprocess.run(
            [program("storescu"), *calling, str(CT_FILE)], capture_output=True, timeout=60, check=False
        ).returncode

    def is_unharmed(self) -> None:
        """AssertionError unless it serves others, and has let go of all that it held."""
        assert self.store("MODALITY") == 0
        wait_for(lambda: self.held().descriptors <= self.before.descriptors + _FILES, 30, "descriptors to be closed")
        assert self.held().memory - self.before.memory < _MORE_MEMORY
        wait_for(lambda: not self.running.box.spool("tests").drafts(), 30, "drafts to be gone")
        assert "Traceback" not in self.running.logged()


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    found = Attacked(tmp_path_factory.mktemp("box"))
    yield found
    found.running.stop()


def p_data(*values: tuple[int, int, bytes]) -> bytes:
    """Fragments in one PDU, each of context, control header and value."""
    body = b"".join(struct.pack(">IBB", len(value) + 2, context, control) + value for context, control, value in values)
    return struct.pack(">BBI", 4, 0, len(body)) + body


def message(data: bytes, uid: str = UID, size: int = 60_000) -> bytes:
    """A C-STORE-RQ in PDUs of about this size."""
    cuts = range(0, len(data), size)
    fragments = [p_data((1, 2 * (at + size >= len(data)), data[at : at + size])) for at in cuts]
    return p_data((1, 3, store_command(CT, uid))) + b"".join(fragments)


def find_command(number: int = 1) -> bytes:
    body = element(2, FIND.encode()) + element(0x100, b"\x20\0") + element(0x110, struct.pack("<H", number))
    body += element(0x700, b"\0\0") + element(0x800, b"\1\0")
    return element(0, struct.pack("<I", len(body))) + body


def call(port: int, sent: bytes, reset: bool = False) -> None:
    """Connect, send, and go."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as caller:
        if reset:
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with suppress(ConnectionError):
            caller.sendall(sent)


def test_noise_halves_and_lying_lengths(attacked: Attacked) -> None:
    """A session of everything, damaged at random: cut off, overwritten, with other lengths, or noise alone."""
    dice = random.Random(11)
    session = associate_request(CONTEXTS) + message(DATA) + p_data((3, 3, find_command())) + b"\5\0\0\0\0\4\0\0\0\0"
    heads = [0, 2, len(associate_request(CONTEXTS)) + 2, len(associate_request(CONTEXTS)) + 6]
    with ThreadPoolExecutor(4) as callers:
        for number in range(120):
            damaged = bytearray(session)
            match number % 4:
                case 0:
                    damaged = bytearray(dice.randbytes(dice.randrange(1, 3000)))
                case 1:
                    del damaged[dice.randrange(1, len(session)) :]
                case 2:
                    at = dice.choice(heads)
                    damaged[at : at + 4] = dice.randbytes(4)
                case 3:
                    for _ in range(20):
                        damaged[dice.randrange(len(session))] = dice.randrange(256)
            callers.submit(call, attacked.port, bytes(damaged), reset=number % 8 > 3)
    attacked.is_unharmed()


def test_ten_thousand_quick_connects(attacked: Attacked) -> None:
    """Half of them end with a reset."""

    def knock(reset: bool) -> None:
        for number in range(2500):
            call(attacked.port, b"", reset)
            if reset and number == 1000:
                assert attacked.store("MODALITY") == 0

    with ThreadPoolExecutor(4) as callers:
        for knocking in [callers.submit(knock, number % 2 == 0) for number in range(4)]:
            knocking.result(120)
    attacked.is_unharmed()


def test_callers_that_never_ask_keep_nobody_out(attacked: Attacked) -> None:
    """More connections than there are places for, each with some bytes of a request that never comes."""
    slow = [socket.create_connection(("127.0.0.1", attacked.port), timeout=30) for _ in range(100)]
    request = associate_request(CONTEXTS)
    for number in range(3):
        for caller in slow:
            with suppress(OSError):
                caller.sendall(request[number : number + 1])
        wait_for(lambda: attacked.store("MODALITY") == 0 and attacked.store("STRANGER") == 0, 30 * _GRACE)
    assert attacked.held().threads < 4 * (4 * 12 + 20)
    for caller in slow:
        caller.close()
    attacked.is_unharmed()


def test_strangers_leave_places_for_peers_however_slow_they_are(attacked: Attacked) -> None:
    """Each of them sends a byte of an image now and then."""
    whole = message(DATA)
    slow = [attacked.associate() for _ in range(9)]
    for at in range(0, 300, 50):
        for scu in slow:
            scu.socket.sendall(whole[at : at + 50])
        assert attacked.store("STRANGER") != 0, "a quarter is for peers"
        assert attacked.store("MODALITY") == 0
    for scu in slow:
        scu.socket.close()
    wait_for(lambda: attacked.store("STRANGER") == 0, 30)
    attacked.is_unharmed()


def test_pipelined_images_without_waiting_for_answers(attacked: Attacked) -> None:
    """Two thousand of them, and whoever sends them reads nothing until the end."""
    scu = attacked.associate()
    small = message(UNTIL_THERE)
    most = attacked.held()

    def send() -> None:
        for _ in range(2000):
            scu.socket.sendall(small)

    sending = threading.Thread(target=send)
    sending.start()
    assert attacked.store("MODALITY") == 0
    statuses: list[int] = []
    while len(statuses) < 2000:
        statuses.append(scu.response().status)
        if len(statuses) % 500 == 0:
            now = attacked.held()
            most = Held(*map(max, zip(most.__dict__.values(), now.__dict__.values(), strict=True)))
    sending.join()
    scu.__exit__(None)
    assert set(statuses) == {0}
    assert most.descriptors < attacked.before.descriptors + 40
    attacked.is_unharmed()


def test_an_image_may_end_early(attacked: Attacked) -> None:
    """Within an element, before its UIDs, in its pixels: it gets a status, and so does the next one."""
    with attacked.associate() as scu:
        for end in (0, 3, 130, 140, 400, 1000):
            assert scu.store(1, CT, UID, DATA[:end]).status in (0xC000, 0xA900), end
        assert scu.store(1, CT, UID, DATA).status == 0
    attacked.is_unharmed()


def test_a_data_set_on_another_context_than_its_command_ends_the_association(attacked: Attacked) -> None:
    for command, context in ((store_command(CT, UID), 3), (find_command(), 1)):
        scu = attacked.associate()
        scu.socket.sendall(p_data((4 - context, 3, command)) + p_data((context, 2, DATA[:1000])))
        assert scu.pdu()[0] in (0, 7)
        scu.socket.close()
    attacked.is_unharmed()


def nested(head: bytes, item: bytes, *, delimited: bool) -> bytes:
    """A sequence in a sequence, and so on; `head` and `item` are those without length."""
    if delimited:
        endings = b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"
        length = struct.pack("<I", UNDEFINED)
        return (head + length + item + length) * LEVELS + endings * LEVELS
    parts, size = [], 0
    for _ in range(LEVELS):
        parts.append(head + struct.pack("<I", size + 8) + item + struct.pack("<I", size))
        size += len(head) + len(item) + 8
    return b"".join(reversed(parts))


ITEM = b"\xfe\xff\x00\xe0"
EXPLICIT_SQ, IMPLICIT_SQ = b"\x40\x00\x75\x02SQ\0\0", b"\x40\x00\x75\x02"
"""Request Attributes Sequence (0040,0275)."""
UNTIL_THERE = DATA[: DATA.index(b"\xe0\x7f\x10\x00")]
TINY = b"".join(struct.pack("<HH2sH", 0x0041, number, b"LO", 0) for number in range(0x1000, 0x2000))
HUGE = struct.pack("<HH2sHI", 0x0041, 0x1001, b"OB", 0, 20 << 20) + bytes(20 << 20)
IMAGES: dict[str, Callable[[], bytes]] = {
    "nested, delimited": lambda: UNTIL_THERE + nested(EXPLICIT_SQ, ITEM, delimited=True),
    "nested, with lengths": lambda: UNTIL_THERE + nested(EXPLICIT_SQ, ITEM, delimited=False),
    "a huge private element": lambda: UNTIL_THERE + b"\x41\x00\x10\x00LO\4\0HUGE" + HUGE,
    "a million tiny elements": lambda: UNTIL_THERE + TINY * 256,
    "nothing but tiny elements": lambda: TINY * 256,
    "nested from the beginning": lambda: nested(EXPLICIT_SQ, ITEM, delimited=True) + DATA,
}


@pytest.mark.parametrize("make", IMAGES.values(), ids=IMAGES)
def test_an_image_of_an_odd_shape_gets_a_status(attacked: Attacked, make: Callable[[], bytes]) -> None:
    scu = attacked.associate()
    scu.socket.settimeout(60)
    assert scu.store(1, CT, UID, make()).status in (0, 0xA900, 0xC000)
    assert attacked.store("MODALITY") == 0
    scu.__exit__(None)
    attacked.is_unharmed()


LEVEL = struct.pack("<HHI", 0x0008, 0x0052, 6) + b"STUDY "
QUERIES: dict[str, Callable[[], bytes]] = {
    "nested, delimited": lambda: LEVEL + nested(IMPLICIT_SQ, ITEM, delimited=True),
    "nested, with lengths": lambda: LEVEL + nested(IMPLICIT_SQ, ITEM, delimited=False),
    "a huge private element": lambda: LEVEL + struct.pack("<HHI", 0x0041, 0x1001, 12 << 20) + bytes(12 << 20),
    "a million tiny elements": lambda: LEVEL + b"".join(
        struct.pack("<HHI", 0x0041, number, 0) for number in range(0x1000, 0x2000)
    ) * 256,
    "as many as go in": lambda: LEVEL + b"".join(
        struct.pack("<HHI", 0x0021 + 2 * (number >> 15), 0x1000 + number % 0x8000, 0) for number in range(130_000)
    ),
    "items without end": lambda: LEVEL + IMPLICIT_SQ + struct.pack("<I", 1_040_000) + (ITEM + bytes(4)) * 130_000,
    "private, nested": lambda: LEVEL + nested(b"\x09\x00\x01\x01", ITEM, delimited=False),
    "without end": lambda: LEVEL + bytes(20 << 20),
    "a list of a million": lambda: LEVEL + struct.pack("<HHI", 0x0020, 0x000D, 4_000_000) + b"1.2\\" * 1_000_000,
    "a wildcard of a million": lambda: LEVEL + struct.pack("<HHI", 0x0010, 0x0010, 1_000_000) + b"*a" * 500_000,
}  # fmt: skip


@pytest.mark.parametrize("make", QUERIES.values(), ids=QUERIES)
def test_a_query_of_an_odd_shape_is_answered_or_ends_the_association(
    attacked: Attacked, make: Callable[[], bytes]
) -> None:
    scu = attacked.associate()
    scu.socket.settimeout(60)
    keys = make()
    sent = [p_data((3, 2 * (at + 60_000 >= len(keys)), keys[at : at + 60_000])) for at in range(0, len(keys), 60_000)]
    with suppress(ConnectionError):
        scu.socket.sendall(p_data((3, 3, find_command())) + b"".join(sent))
    assert attacked.store("MODALITY") == 0
    with suppress(ConnectionResetError):
        assert scu.pdu()[0] in (0, 4, 7)
    scu.socket.close()
    attacked.is_unharmed()
