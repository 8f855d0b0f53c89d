"""Both doors on real sockets: where they listen, what they log, how they end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from aiohttp import ClientSession, CookieJar, TCPConnector

from appliance.box import Box
from appliance.config import load
from appliance.errors import PacsboxError
from tests.conftest import Fill
from tests.support.files import PYDICOM
from tests.support.waiting import wait_for
from web import serve
from web.rendering import workers
from web.serve import Doors, run


class Running:
    """The doors, open in a thread."""

    def __init__(self, box: Box) -> None:
        self.stop = threading.Event()
        self._open = threading.Event()
        self._thread = threading.Thread(target=run, args=(box, self.stop, self._ready), daemon=True)
        self._thread.start()
        assert self._open.wait(20)

    def _ready(self, doors: Doors) -> None:
        self.doors = doors
        self._open.set()

    def end(self, seconds: float) -> None:
        self.stop.set()
        self._thread.join(seconds)
        assert not self._thread.is_alive()


@pytest.fixture
def running(box: Box) -> Iterator[Running]:
    made = Running(box)
    yield made
    made.end(20)


async def test_each_door_answers_only_what_is_its_own(running: Running) -> None:
    async with ClientSession() as session:
        async with session.get(running.doors.public) as answer:
            assert answer.status == 200
        async with session.get(f"{running.doors.public}/dicom-web/studies") as answer:
            assert answer.status == 404
        async with session.get(f"{running.doors.clinic}/s/{'A' * 22}") as answer:
            assert answer.status == 404
            assert "text/plain" in answer.headers["Content-Type"]


async def test_the_log_says_where_they_listen_and_never_which_link_was_opened(
    box: Box, fill: Fill, caplog: pytest.LogCaptureFixture
) -> None:
    fill([PYDICOM / "test_files" / "CT_small.dcm"])
    new = box.sharing.create(box.storage.studies.search("", 1)[0].study_instance_uid)
    path = urlsplit(new.link).path
    with caplog.at_level(logging.INFO):
        running = Running(box)
        async with ClientSession() as session:
            for tail in ("", "/x", "/images.zip?pin=" + new.pin):
                await session.get(running.doors.public + path + tail)
            await session.post(running.doors.public + path, data={"pin": new.pin})
        _send(running.doors.public, f"GET {path} HTTP/9\r\n\r\n".encode())
        _send(running.doors.public, f"GE\x01T {path}\r\n\r\n".encode())
        await asyncio.to_thread(running.end, 20)
    assert f"patient door on {running.doors.public}" in caplog.text
    assert f"clinic door on {running.doors.clinic}" in caplog.text
    assert "POST /s/{code} 303" in caplog.text
    assert "GET (no such page) 404" in caplog.text
    for secret in (path.rsplit("/", 1)[1], new.pin, "CompressedSamples"):
        assert secret not in caplog.text


def _send(url: str, request: bytes) -> bytes:
    """What a door answers to bytes that no browser would send."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), 30) as connection:
        connection.sendall(request)
        return connection.recv(1 << 16)


def test_a_port_that_is_taken_is_told_in_a_sentence(box: Box) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        web = box.config.web.model_copy(update={"public_port": taken.getsockname()[1]})
        box.config = box.config.model_copy(update={"web": web})
        with pytest.raises(PacsboxError, match="The patient door cannot listen on 127"):
            run(box, threading.Event())


async def test_a_reader_that_stalls_does_not_keep_the_doors_open(
    box: Box, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "_PATIENCE", 0.5)
    fill(sorted((PYDICOM / "test_files").glob("MR_small*.dcm"))[:1])
    instance = box.storage.studies.instances(box.storage.studies.search("", 1)[0].study_instance_uid)[0]
    path = box.blobs.path(instance.blob_key)
    path.chmod(0o600)
    os.truncate(path, 200 << 20)
    with box.storage.transaction():
        box.storage._db.conn.execute("UPDATE instance SET size = ?", (200 << 20,))  # type: ignore[attr-defined]
    new = box.sharing.create(instance.study_instance_uid)
    running = Running(box)
    link = running.doors.public + urlsplit(new.link).path
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        await session.post(link, data={"pin": new.pin})
        answer = await session.get(f"{link}/images.zip")
        assert answer.status == 200
        await answer.content.readexactly(1000)
        await asyncio.to_thread(running.end, 20)
        answer.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("warm", [True, False])
def test_a_signal_to_the_whole_service_ends_it_cleanly(tmp_path: Path, number: int, warm: bool) -> None:
    settings = {"PACSBOX_DATA_DIR": str(tmp_path), "PACSBOX_WEB_PUBLIC_PORT": "0", "PACSBOX_WEB_CLINIC_PORT": "0"}
    with subprocess.Popen(
        [sys.executable, "-m", "appliance.cli.main", "web"],
        env=os.environ | settings,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as service:
        try:
            assert service.stderr is not None
            said = service.stderr.readline() + service.stderr.readline()
            assert "clinic door on" in said
            if warm:
                wait_for(lambda: _have_started(psutil.Process(service.pid)), what="the workers")
            os.killpg(service.pid, number)
            assert service.wait(60) == 0
            # A worker that is only just starting may be hit within Python's own start, which Python tells by itself.
            assert not warm or service.stderr.read() == ""
        finally:
            service.kill()


def _have_started(service: psutil.Process) -> bool:
    """Whether its workers, children of the fork server, go on whatever the signal."""
    found = [worker for server in service.children() for worker in server.children()]
    return len(found) == workers() and all(_is_deaf(worker.pid) for worker in found)


def _is_deaf(process: int) -> bool:
    """Whether it ignores both signals (proc(5))."""
    status = Path(f"/proc/{process}/status").read_text()
    ignored = int(status.split("SigIgn:")[1].split()[0], 16)
    return all(ignored >> number - 1 & 1 for number in (signal.SIGTERM, signal.SIGINT))


def test_no_worker_outlives_the_doors(box: Box) -> None:
    before = _grandchildren()
    running = Running(box)
    wait_for(lambda: _grandchildren() - before)
    running.end(20)
    assert _grandchildren() <= before


def _grandchildren() -> set[int]:
    """The workers: children of Python's fork server, which itself stays for the next."""
    ours = psutil.Process()
    return {process.pid for process in ours.children(recursive=True)} - {child.pid for child in ours.children()}


async def test_by_https_the_clinic_door_has_the_box_s_certificate_and_sends_whole_studies(box: Box, fill: Fill) -> None:
    fill([PYDICOM / "test_files" / "CT_small.dcm"])
    (study,) = box.storage.studies.study_uids()
    token = box.tokens.create("A", ["retrieve"]).text
    environment = {"PACSBOX_DATA_DIR": str(box.data_dir), "PACSBOX_WEB_CLINIC_TLS": "true"}
    environment |= {"PACSBOX_WEB_PUBLIC_PORT": "0", "PACSBOX_WEB_CLINIC_PORT": "0"}
    there = Box(load(environment=environment)[0])
    running = Running(there)
    assert running.doors.clinic.startswith("https://")
    trusting = ssl.create_default_context(cadata=there.identity.pem().decode())
    trusting.check_hostname = False
    headers = {"Authorization": f"Bearer {token}", "Accept": 'multipart/related; type="application/dicom"'}
    url = f"{running.doors.clinic}/dicom-web/studies/{study}"
    async with (
        ClientSession(connector=TCPConnector(ssl=trusting)) as session,
        session.get(url, headers=headers) as answer,
    ):
        assert answer.status == 200
        body = await answer.read()
    assert len(body) == answer.content_length
    assert body.count(b"DICM") == 1
    running.end(20)
    there.close()
