"""A DICOMweb server of the tests' own, which does what it is told to: answer, refuse, break off."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TAKEN, FAILED = "00081199", "00081198"


@dataclass
class Asked:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""
    handler: BaseHTTPRequestHandler | None = None

    @property
    def instances(self) -> list[bytes]:
        """The files of a STOW-RS request."""
        mark = b"--" + self.headers["Content-Type"].partition("boundary=")[2].encode()
        return [part.partition(b"\r\n\r\n")[2][:-2] for part in self.body.split(mark)[1:-1]]


@dataclass
class Answer:
    """What it is told; without a status it hangs up."""

    status: int = 200
    body: bytes = b""
    kind: str = "application/dicom+json"
    headers: dict[str, str] = field(default_factory=dict)
    announced: int | None = None
    """Bytes that it says are coming, if those are others than come."""


Script = Callable[[Asked], Answer | None]


@dataclass
class Server:
    """One that listens on loopback."""

    port: int
    asked: list[Asked] = field(default_factory=list)
    scheme: str = "http"

    @property
    def url(self) -> str:
        """Its DICOMweb root."""
        return f"{self.scheme}://127.0.0.1:{self.port}/dicom-web"


@contextmanager
def serving(script: Script, tls: ssl.SSLContext | None = None, *, reads: bool = True) -> Iterator[Server]:
    """A server that answers as `script` says, None to hang up; with `reads` unset the script reads the body."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            asked = Asked(self.command, self.path, dict(self.headers), handler=self)
            if reads:
                asked.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            found.asked.append(asked)
            answer = script(asked)
            self.close_connection = answer is None or answer.announced is not None or not reads
            if answer is not None:
                self._give(answer)

        def _give(self, answer: Answer) -> None:
            self.send_response(answer.status)
            length = len(answer.body) if answer.announced is None else answer.announced
            for name, value in {"Content-Type": answer.kind, "Content-Length": length, **answer.headers}.items():
                self.send_header(name, str(value))
            self.end_headers()
            with suppress(ConnectionError):
                self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass

    server = Quiet(("127.0.0.1", 0), Handler)
    found = Server(server.server_address[1], scheme="https" if tls else "http")
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def report(status: int, taken: Sequence[str] = (), failed: dict[str, int] | None = None) -> Answer:
    """A Store Instances Response (PS3.18 10.5.3.3)."""
    told = {}
    if taken:
        told[TAKEN] = {"vr": "SQ", "Value": [_item(uid) for uid in taken]}
    if failed:
        told[FAILED] = {"vr": "SQ", "Value": [_item(uid, reason) for uid, reason in failed.items()]}
    return Answer(status, json.dumps(told).encode())


def _item(uid: str, reason: int = 0) -> dict[str, object]:
    found: dict[str, object] = {"00081155": {"vr": "UI", "Value": [uid]}}
    return found | ({"00081197": {"vr": "US", "Value": [reason]}} if reason else {})


def multipart(files: Sequence[bytes], boundary: str = "between") -> Answer:
    """A WADO-RS answer."""
    parts = b"".join(
        b"--%b\r\nContent-Type: application/dicom\r\n\r\n%b\r\n" % (boundary.encode(), file) for file in files
    )
    kind = f'multipart/related; type="application/dicom"; boundary={boundary}'
    return Answer(200, parts + f"--{boundary}--\r\n".encode(), kind)
