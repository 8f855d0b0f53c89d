"""Files that the kernel sends: to readers of every pace, one answer after the other."""

from __future__ import annotations

import os
import socket
import sys
import threading
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import pydicom
import requests

from tests.support.files import brainix
from tests.support.waiting import wait_for

STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*'
FRAME = "multipart/related; type=application/octet-stream; transfer-syntax=*"


def slow_reader(clinic: str) -> socket.socket:
    """A connection of little room, whose bytes nobody reads yet."""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.settimeout(30)
    reader.connect(("127.0.0.1", urlsplit(clinic).port or 0))
    return reader


def asked(target: str, accept: str, close: bool = False) -> bytes:
    ending = "Connection: close\r\n" if close else ""
    return f"GET {target} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\n{ending}\r\n".encode()


def places(clinic: str) -> tuple[str, str]:
    """The paths of a study, and of a frame that is long enough to be sent by the kernel."""
    image = pydicom.dcmread(brainix()[0], stop_before_pixels=True)
    study = f"{urlsplit(clinic).path}/studies/{image.StudyInstanceUID}"
    return study, f"{study}/series/{image.SeriesInstanceUID}/instances/{image.SOPInstanceUID}/frames/1"


def is_shipping() -> bool:
    """Whether a thread is held by an answer on its way out."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for number, frame in sys._current_frames().items():
        held = frame
        while held is not None and names.get(number, "").startswith("shipping"):
            if held.f_code.co_name == "go":
                return True
            held = held.f_back  # type: ignore[assignment]
    return False


def test_readers_who_stall_hold_no_thread(clinic: str) -> None:
    study, frame = places(clinic)
    with ExitStack() as stack:
        for _ in range(30):
            reader = stack.enter_context(slow_reader(clinic))
            reader.sendall(asked(study, STORED))
            assert reader.recv(12, socket.MSG_WAITALL) == b"HTTP/1.1 200"
        wait_for(lambda: not is_shipping(), 20, "all threads to be free")
        assert requests.get(_url(clinic, frame), headers={"Accept": FRAME}, timeout=20).status_code == 200


def test_an_answer_waits_until_the_one_before_is_out(clinic: str) -> None:
    """A client may ask for several at once (RFC 9112 9.3.2), and read slowly."""
    study, frame = places(clinic)
    first = f"{study}/pixeldata"
    with slow_reader(clinic) as reader:
        reader.sendall(asked(first, FRAME) + asked(frame, FRAME, close=True))
        came = b"".join(iter(lambda: reader.recv(2048), b""))
    (one, two) = (
        requests.get(_url(clinic, target), headers={"Accept": FRAME}, timeout=20) for target in (first, frame)
    )
    head, _, rest = came.partition(b"\r\n\r\n")
    body, _, last = rest.rpartition(b"HTTP/1.1 200 OK")
    assert b"200 OK" in head
    assert len(last.partition(b"\r\n\r\n")[2]) == len(two.content)
    assert len(_dechunked(body)) == len(one.content)
    assert _dechunked(body).endswith(b"--\r\n")


def test_nothing_stays_open_of_readers_who_leave(clinic: str) -> None:
    study, _ = places(clinic)

    def all_is_closed() -> bool:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(5):
            with slow_reader(clinic) as reader:
                reader.sendall(asked(study, STORED))
                assert reader.recv(12, socket.MSG_WAITALL) == b"HTTP/1.1 200"
        with suppress(AssertionError):
            wait_for(lambda: len(os.listdir("/proc/self/fd")) <= before, 10)
            return True
        return False

    # More than once where a thread of the server opens the index for the first time, and keeps it.
    wait_for(all_is_closed, 60, "files and connections to be closed")


def _url(clinic: str, path: str) -> str:
    return f"http://localhost:{urlsplit(clinic).port}{path}"


def _dechunked(body: bytes) -> bytes:
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        if int(size, 16) == 0:
            return whole
        whole, body = whole + body[: int(size, 16)], body[int(size, 16) + 2 :]
    return whole
