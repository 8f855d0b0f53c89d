"""Damaged sessions over a real connection: each ends, nothing of it stays, and the next caller is served."""

from __future__ import annotations

import logging
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.box import Box
from appliance.dimse import command
from tests.support.files import PYDICOM
from tests.support.fuzzing import bounded, damaged, little_memory
from tests.support.querying import open_box, serving, take_in
from tests.support.receiving import instance
from tests.support.scu import EXPLICIT, IMPLICIT, Scu, associate_request, store_command
from tests.support.waiting import wait_for

CT_FILE = PYDICOM / "test_files" / "CT_small.dcm"
META, WHOLE = instance(CT_FILE)
CT, UID = META.sop_class_uid, META.sop_instance_uid
DATA = WHOLE[: WHOLE.index(b"\xe0\x7f\x10\x00")]
VERIFICATION, FIND = "1.2.840.10008.1.1", "1.2.840.10008.5.1.4.1.2.2.1"
GET, WORKLIST, MPPS = "1.2.840.10008.5.1.4.1.2.2.3", "1.2.840.10008.5.1.4.31", "1.2.840.10008.3.1.2.3.3"
MOVE, COMMITMENT, RETRIEVE_STEP = "1.2.840.10008.5.1.4.1.2.2.2", "1.2.840.10008.1.20.1", "1.2.840.10008.3.1.2.3.4"
OTHERS = (VERIFICATION, FIND, GET, WORKLIST, MPPS, MOVE, COMMITMENT, RETRIEVE_STEP)
CONTEXTS = [(CT, [EXPLICIT]), *((uid, [IMPLICIT]) for uid in OTHERS)]
ACCEPTED = 2
ABORT, RELEASE, RELEASED = (bytes((kind, 0, 0, 0, 0, 4, 0, 0, 0, 0)) for kind in (7, 5, 6))
KEYS = b"".join(
    struct.pack("<HHI", group, element, len(value)) + value
    for group, element, value in (
        (0x0008, 0x0005, b"ISO_IR 100"),
        (0x0008, 0x0020, b"20200101-"),
        (0x0008, 0x0052, b"STUDY "),
        (0x0010, 0x0010, b"Comp*?"),
        (0x0010, 0x0020, b""),
        (0x0020, 0x000D, b"1.2\\1.3\0"),
    )
)
REFERENCES = (
    struct.pack("<HHI", 0x0008, 0x1195, 6)
    + b"1.2.9\0"
    + struct.pack("<HHIHHI", 0x0008, 0x1199, 0xFFFFFFFF, 0xFFFE, 0xE000, 0xFFFFFFFF)
    + struct.pack("<HHI", 0x0008, 0x1150, 4)
    + b"1.2\0"
    + struct.pack("<HHI", 0x0008, 0x1155, 4)
    + b"1.3\0"
    + struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
)
STEP = struct.pack("<HHI", 0x0040, 0x0252, 12) + b"IN PROGRESS "


def message(
    field: int, sop_class: str, data: bytes, number: int, more: dict[int, int | str] | None = None, name: int = 0x0002
) -> bytes:
    """A request and its data set, in a PDU each; `name` is the element that names the SOP class."""
    context = 3 + 2 * OTHERS.index(sop_class)
    elements: dict[int, int | str] = {name: sop_class, 0x0100: field, 0x0110: number, 0x0700: 0}
    elements |= {0x0800: 0 if data else command.NO_DATA_SET} | (more or {})
    found = pdu(context, 3, command.encode(dict(sorted(elements.items()))))
    return found + pdu(context, 2, data) if data else found


def pdu(context: int, control: int, value: bytes) -> bytes:
    return struct.pack(">BBIIBB", 4, 0, len(value) + 6, len(value) + 2, context, control) + value


STORE = pdu(1, 3, store_command(CT, UID)) + pdu(1, 0, DATA[:900]) + pdu(1, 2, DATA[900:])
MESSAGES = [
    STORE,
    message(0x0030, VERIFICATION, b"", 2),
    message(0x0020, FIND, KEYS, 3),
    message(0x0010, GET, KEYS, 4),
    message(0x0020, WORKLIST, KEYS, 5),
    message(0x0140, MPPS, STEP, 6, {0x1000: "1.2.3.4"}),
    message(0x0120, MPPS, STEP, 7, {0x1001: "1.2.3.4"}, 0x0003),
    message(0x0110, RETRIEVE_STEP, b"", 8, {0x1001: "1.2.3.4"}, 0x0003),
    message(0x0021, MOVE, KEYS, 9, {0x0600: "NOBODY"}),
    message(0x0130, COMMITMENT, REFERENCES, 10, {0x1001: "1.2.840.10008.1.20.1.1", 0x1008: 1}, 0x0003),
    message(0x0100, COMMITMENT, REFERENCES, 11, {0x1000: "1.2.840.10008.1.20.1.1", 0x1002: 1}),
    pdu(5, 3, command.encode({0x0100: 0x0FFF, 0x0120: 3, 0x0800: command.NO_DATA_SET})),
]
SESSIONS = st.lists(st.sampled_from(MESSAGES), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    everything = "echo,store,query,retrieve,worklist,mpps,commitment"
    found = open_box(tmp_path_factory.mktemp("box"), PACSBOX_DICOM_STRANGERS_MAY=everything)
    take_in(found, [CT_FILE])
    yield found
    found.close()


def send(port: int, sent: bytes, within: bool = True, patience: float = 0.05) -> bytes:
    """All of it, and no more after `patience`; what is answered. TimeoutError when the receiver does not hang up then.

    `within` an association: what comes before that is agreed on is out of place, and not looked at (PS3.8 9.2).
    """
    answered = b""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as caller, suppress(ConnectionError):
        if within:
            caller.sendall(associate_request(CONTEXTS))
            assert caller.recv(65536)[0] == ACCEPTED
        caller.sendall(sent)
        caller.settimeout(patience)
        with suppress(TimeoutError):
            while not answered.endswith(RELEASED) and (more := caller.recv(65536)):
                answered += more
        caller.shutdown(socket.SHUT_WR)
        caller.settimeout(60)
        while more := caller.recv(65536):
            answered += more
    return answered


@pytest.mark.parametrize("hot", [True, False], ids=["hot", "pynetdicom"])
def test_undamaged_each_of_them_is_answered(box: Box, hot: bool) -> None:
    field = struct.pack("<HHI", 0, 0x0100, 2)
    with serving(box, hot) as port:
        for sent in MESSAGES[:-1]:
            asked = sent[sent.index(field) + 8 :][:2]
            answer = send(port, sent + RELEASE, patience=30)
            assert field + bytes((asked[0], asked[1] | 0x80)) in answer, asked.hex()


@pytest.mark.parametrize("hot", [True, False], ids=["hot", "pynetdicom"])
def test_damaged_sessions(box: Box, hot: bool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)

    with serving(box, hot) as port:

        @bounded(120)
        @given(SESSIONS.flatmap(lambda chosen: damaged([b"".join(chosen)])), st.sampled_from([RELEASE, ABORT, b""]))
        def within(sent: bytes, end: bytes) -> None:
            send(port, sent + end)

        @bounded(60)
        @given(damaged([associate_request(CONTEXTS) + STORE]))
        def from_the_beginning(sent: bytes) -> None:
            send(port, sent, within=False)

        with little_memory(150):
            within()
            from_the_beginning()
        with Scu(port).associate([(CT, [EXPLICIT])]) as scu:
            assert scu.store(1, CT, UID, WHOLE).status == 0
        wait_for(lambda: not box.spool("tests").drafts(), 30)
        wait_for(lambda: not [thread for thread in threading.enumerate() if "Acceptor" in thread.name], 30)
    assert not [record.getMessage() for record in caplog.records if record.exc_info]
