"""Peers to send to: dcmtk's storescp, an SCP that counts and answers as told, and sockets that misbehave."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydicom.uid import UID, AllTransferSyntaxes
from pynetdicom import AE, evt
from pynetdicom.events import Event
from pynetdicom.sop_class import Verification

from appliance.dicom import part10
from appliance.storage.rows import Peer
from tests.support.programs import free_port, program
from tests.support.waiting import wait_for


@contextlib.contextmanager
def storescp(folder: Path, *options: str, port: int = 0) -> Iterator[Peer]:
    """dcmtk's storescp, writing what it gets into `folder` with the bytes as they came."""
    folder.mkdir(exist_ok=True)
    port = port or free_port()
    process = subprocess.Popen(
        [program("storescp"), "-q", "+B", "-dhl", "-od", str(folder), *options, str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: answers(port), what="storescp")
        yield Peer("CLINIC-B", "STORESCP", "127.0.0.1", port)
    finally:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@dataclass
class Acceptor:
    """An SCP of pynetdicom's."""

    peer: Peer
    received: list[str] = field(default_factory=list)
    """SOP Instance UIDs in order of arrival."""
    asked_by: list[tuple[str | None, int | None]] = field(default_factory=list)
    """AE title and message ID of the C-MOVE that each is said to come from."""
    is_idle: Callable[[], bool] = lambda: True
    """Whether nobody is connected."""


ABORT = -1
Answer = Callable[[str], int]
"""SOP Instance UID -> status; or ABORT, to break off the association."""


def success(_sop_instance_uid: str) -> int:
    return 0x0000


@contextlib.contextmanager
def acceptor(
    answer: Answer = success,
    *,
    sop_classes: Sequence[str] = ("1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.2"),
    transfer_syntaxes: Sequence[str] = tuple(AllTransferSyntaxes),
    calling: Sequence[str] = (),
    called: str = "",
    most: int = 10,
) -> Iterator[Acceptor]:
    """An SCP that notes what comes and answers with `answer`; with `calling` or `called`, it knows only those."""

    def stored(event: Event) -> int:
        uid = str(event.request.AffectedSOPInstanceUID)
        known.received.append(uid)
        request = event.request
        known.asked_by.append((request.MoveOriginatorApplicationEntityTitle, request.MoveOriginatorMessageID))
        status = answer(uid)
        if status == ABORT:
            event.assoc.abort()
        return max(status, 0)

    ae = AE(called or "ACCEPTOR")
    ae.require_called_aet = bool(called)
    ae.require_calling_aet = list(calling)
    ae.maximum_associations = most
    ae.add_supported_context(Verification)
    for uid in sop_classes:
        ae.add_supported_context(UID(uid), list(transfer_syntaxes))
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, stored)])
    known = Acceptor(Peer("CLINIC-B", "ACCEPTOR", "127.0.0.1", server.server_address[1]))
    known.is_idle = lambda: not ae.active_associations
    try:
        yield known
    finally:
        # Shutting down while an association ends makes its thread stumble.
        wait_for(known.is_idle, what="the last association to end")
        ae.shutdown()


@contextlib.contextmanager
def misbehaving(behave: Callable[[socket.socket], None], backlog: int = 5) -> Iterator[Peer]:
    """A port that speaks no proper DICOM: each caller is handed to `behave`."""
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as server:
        ended = threading.Event()

        def serve() -> None:
            while not ended.is_set():
                with contextlib.suppress(OSError):
                    caller, _ = server.accept()
                    with caller:
                        behave(caller)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Peer("CLINIC-B", "ODD", "127.0.0.1", server.getsockname()[1])
        finally:
            ended.set()
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def data_set(path: Path) -> bytes:
    """The bytes behind the file's header, padded to an even length as in a message."""
    with path.open("rb") as file:
        part10.read(file)
        data = file.read()
    return data + b"\0" * (len(data) % 2)


def data_sets(paths: Iterable[Path]) -> dict[str, bytes]:
    """The same by SOP Instance UID."""
    return {uids(path)[1]: data_set(path) for path in paths}


def uids(path: Path) -> tuple[str, str, str]:
    """SOP class, SOP instance and transfer syntax UID of a file."""
    with path.open("rb") as file:
        meta = part10.read(file)
    return meta.sop_class_uid, meta.sop_instance_uid, meta.transfer_syntax_uid
