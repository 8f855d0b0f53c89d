"""HTTP with one DICOMweb server: who it must be, who we are, how long we wait, and what went wrong in words.

No redirect is followed, and nothing is taken from the environment: a token must reach nobody else.
"""

from __future__ import annotations

import http.client
import logging
import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPBasicAuth

from appliance.dicomweb import words
from appliance.peers.faults import Fault, PeerError
from appliance.storage.rows import Peer

# Their lines have queries in them, and so patients' names.
for _talker in ("urllib3", "dicomweb_client"):
    logging.getLogger(_talker).setLevel(logging.CRITICAL)

_LONGEST = 64 << 20
"""Bytes of an answer that is held in memory; instances go to their sink."""
_CHUNK = 1 << 18


@dataclass(frozen=True)
class Limits:
    """How long to wait, in seconds."""

    connect: float = 10.0
    write: float = 60.0
    """For the server to take anything at all of what is on its way."""
    answer: float = 120.0
    """For the answer to a request from its last byte on, and for each piece of it."""


class Session(requests.Session):
    """Requests to `peer`, over connections that are kept. Raises `PeerError` where no answer comes.

    A GET whose answer is no success raises it, too.
    """

    def __init__(self, peer: Peer, secret: str, trusted: Sequence[bytes] = (), limits: Limits | None = None) -> None:
        """`secret` is the token, or the password of `peer.user`; `trusted` are certificates (PEM) of peers and CAs."""
        super().__init__()
        self.peer = peer
        self._limits = limits or Limits()
        self.trust_env = False
        if secret:
            self.auth = HTTPBasicAuth(peer.user.encode(), secret.encode()) if peer.user else _Bearer(secret)
        adapter = _Adapter(peer, trusted, self._limits)
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """As `requests` does it; an answer that is not streamed is read to its end, if that is near enough."""
        streamed = options.get("stream", False)
        # dicomweb-client names the host without its port.
        request.headers.pop("Host", None)
        options |= {"stream": True, "timeout": (self._limits.connect, self._limits.answer)}
        try:
            response = super().send(request, **options)
            if request.method == "GET" and (fault := self.judged(response.status_code)):
                response.close()
                raise fault
            if not streamed:
                response._content = self._whole(response)
        except requests.RequestException as fault:
            # The library's words quote the URL, and with it whom we look for.
            raise understood(fault, self.peer) from None
        return response

    def pieces(self, response: requests.Response) -> Iterator[bytes]:
        """The body of a streamed answer, as it comes."""
        try:
            yield from response.iter_content(_CHUNK)
        except requests.RequestException as fault:
            raise understood(fault, self.peer) from None

    def _whole(self, response: requests.Response) -> bytes:
        found = bytearray()
        with response:
            for piece in response.iter_content(_CHUNK):
                found += piece
                if len(found) > _LONGEST:
                    raise words.trouble(Fault.NONSENSE, self.peer)
        return bytes(found)

    def judged(self, status: int) -> PeerError | None:
        """What a status means that has nothing to do with what was sent; None where it is a success."""
        if 200 <= status < 300:
            return None
        if 300 <= status < 400:
            return words.redirected(self.peer)
        if status in _STATUSES:
            return words.trouble(_STATUSES[status], self.peer)
        return words.FailedError(self.peer, status)


_STATUSES = {
    401: Fault.UNAUTHORIZED,
    403: Fault.FORBIDDEN,
    404: Fault.NOT_DICOMWEB,
    405: Fault.UNSUPPORTED,
    407: Fault.UNAUTHORIZED,
    408: Fault.BUSY,
    410: Fault.NOT_DICOMWEB,
    429: Fault.BUSY,
    501: Fault.UNSUPPORTED,
    502: Fault.BUSY,
    503: Fault.BUSY,
    504: Fault.BUSY,
    507: Fault.FULL,
}


class _Bearer(AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _Adapter(HTTPAdapter):
    """Connections to one peer, its certificate checked as it is pinned."""

    def __init__(self, peer: Peer, trusted: Sequence[bytes], limits: Limits) -> None:
        self._limits = limits
        self._tls = {
            "ssl_context": context(peer, trusted),
            "cert_reqs": "CERT_NONE" if peer.fingerprint else "CERT_REQUIRED",
            "assert_fingerprint": peer.fingerprint or None,
        }
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        pools: dict[str, Any] = {"http": urllib3.HTTPConnectionPool, "https": urllib3.HTTPSConnectionPool}
        self.poolmanager.pool_classes_by_scheme = {
            scheme: type(pool.__name__, (pool,), {"ConnectionCls": _patient(pool.ConnectionCls, self._limits.write)})
            for scheme, pool in pools.items()
        }

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, dict(self._tls)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """It is done by the context."""


def _patient(kind: type[Any], seconds: float) -> type[Any]:
    """A connection that gives each write so long; urllib3's own has the time of the call, too short for slow lines."""

    def send(self: Any, data: Any) -> None:
        if self.sock is not None:
            self.sock.settimeout(seconds)
        kind.send(self, data)

    return type(kind.__name__, (kind,), {"send": send})


def context(peer: Peer, trusted: Sequence[bytes]) -> ssl.SSLContext:
    """Who `peer` must be: by its CA, else by those of the system and ours; one that is pinned is judged by its
    fingerprint, once connected."""
    if peer.fingerprint:
        found = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        found.check_hostname, found.verify_mode = False, ssl.CERT_NONE
    elif peer.authority:
        found = ssl.create_default_context(cadata=peer.authority)
    else:
        found = ssl.create_default_context()
        if trusted:
            found.load_verify_locations(cadata=b"".join(trusted).decode("ascii"))
    found.minimum_version = ssl.TLSVersion.TLSv1_2
    found.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return found


_MEANINGS: tuple[tuple[tuple[type[BaseException], ...], Fault], ...] = (
    ((socket.gaierror, urllib3.exceptions.LocationParseError, UnicodeError), Fault.UNKNOWN_HOST),
    ((ssl.SSLEOFError, ssl.SSLZeroReturnError), Fault.LOST),
    ((ssl.SSLError,), Fault.TLS),
    ((ConnectionRefusedError,), Fault.NOT_LISTENING),
    ((urllib3.exceptions.ConnectTimeoutError,), Fault.SILENT),
    ((urllib3.exceptions.NewConnectionError,), Fault.UNREACHABLE),
    ((urllib3.exceptions.ReadTimeoutError, TimeoutError), Fault.NO_ANSWER),
    ((ConnectionError, http.client.IncompleteRead), Fault.LOST),
    ((http.client.HTTPException,), Fault.NOT_DICOMWEB),
)
"""The first that is among a fault's causes says what it is."""


def understood(fault: BaseException, peer: Peer) -> PeerError:
    """What a library's fault means."""
    causes = _causes(fault)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return words.certificate(peer, cause.verify_code or 1)
    for kinds, meaning in _MEANINGS:
        if any(isinstance(cause, kinds) for cause in causes):
            return words.trouble(meaning, peer)
    if any(isinstance(cause, urllib3.exceptions.SSLError) for cause in causes):
        return words.certificate(peer, 0)
    return words.trouble(Fault.LOST if isinstance(fault, requests.ConnectionError) else Fault.NONSENSE, peer)


def _causes(fault: BaseException) -> list[BaseException]:
    """A fault and what is wrapped in it."""
    found: list[BaseException] = []
    waiting: list[object] = [fault]
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, BaseException) and not any(each is known for known in found):
            found.append(each)
            waiting += [*each.args, getattr(each, "reason", None), each.__cause__, each.__context__]
    return found
