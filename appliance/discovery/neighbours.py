"""DNS Service Discovery of DICOM (PS3.15 H.2, RFC 6762, RFC 6763).

Anybody on the network can announce anything: what is heard fills a form for people to judge, and nothing else.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import ifaddr
from zeroconf import BadTypeInNameException, Error, IPVersion, ServiceBrowser, ServiceInfo, ServiceListener, Zeroconf

log = logging.getLogger(__name__)

PLAIN, TLS = "_dicom._tcp.local.", "_dicom-tls._tcp.local."
LISTEN = 3.0
"""Seconds in which whoever is there has answered."""
_ASK = 2000
"""Milliseconds for the particulars of one."""
_MOST = 100
"""More on one network are a joke of somebody's."""
_DEVICE = "ARCHIVE"
"""Our PrimaryDeviceType (PS3.15 H.1.1.2)."""


@dataclass(frozen=True, order=True)
class Neighbour:
    """A DICOM device that announces itself."""

    ae_title: str
    host: str
    port: int
    tls: bool = False
    device: str = ""
    """Its PrimaryDeviceType, if it says."""


class Announcement:
    """This box, announced from `start` to `stop`; a network that does not take it is logged, and no more."""

    def __init__(self, ae_title: str, bind: str, ports: Sequence[tuple[int, bool]]) -> None:
        """`bind` is where we listen; `ports`: each with whether TLS is spoken there."""
        self._ae_title = ae_title
        self._bind = bind
        self._ports = ports
        self._zeroconf: Zeroconf | None = None

    def start(self) -> None:
        """Announce it, without waiting for the network."""
        threading.Thread(target=self._start, name="announcement", daemon=True).start()

    def stop(self) -> None:
        """Say good-bye."""
        if self._zeroconf is not None:
            self._zeroconf.close()
            self._zeroconf = None

    def _start(self) -> None:
        try:
            self._zeroconf = Zeroconf(interfaces=interfaces(self._bind), ip_version=IPVersion.V4Only)
            for port, tls in self._ports:
                self._zeroconf.register_service(self._service(port, tls), allow_name_change=True)
        except (Error, OSError) as fault:
            log.warning("the box cannot be announced on the network: %s", fault)

    def _service(self, port: int, tls: bool) -> ServiceInfo:
        kind = TLS if tls else PLAIN
        return ServiceInfo(
            kind,
            # A dot would end the label.
            f"{self._ae_title.replace('.', '-')}.{kind}",
            port=port,
            addresses=[socket.inet_aton(address) for address in interfaces(self._bind)],
            properties={"AET": self._ae_title, "PrimaryDeviceType": _DEVICE},
            server=f"{socket.gethostname().partition('.')[0]}.local.",
        )


def interfaces(bind: str) -> list[str]:
    """The IPv4 addresses by which we are reached: those of the LAN, or the one that we listen on."""
    if bind not in ("0.0.0.0", "::"):
        return [bind]
    found = (str(ip.ip) for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4)
    return [address for address in found if not ipaddress.ip_address(address).is_loopback]


def listen(bind: str = "0.0.0.0", seconds: float = LISTEN) -> list[Neighbour]:
    """Whoever announces a DICOM port now, by AE title. Raises OSError without a network."""
    names = _Names()
    with Zeroconf(interfaces=interfaces(bind), ip_version=IPVersion.V4Only) as network:
        browser = ServiceBrowser(network, [PLAIN, TLS], names)
        threading.Event().wait(seconds)
        browser.cancel()
        infos = (_asked(network, kind, name) for kind, name in sorted(names.heard)[:_MOST])
        return sorted({found for info in infos if info for found in _neighbours(info)})


class _Names(ServiceListener):
    def __init__(self) -> None:
        self.heard: set[tuple[str, str]] = set()

    def add_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        self.heard.add((type_, name))

    def update_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        self.heard.add((type_, name))

    def remove_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        self.heard.discard((type_, name))


def _asked(network: Zeroconf, kind: str, name: str) -> ServiceInfo | None:
    try:
        return network.get_service_info(kind, name, _ASK)
    except (BadTypeInNameException, Error):
        return None


def _neighbours(info: ServiceInfo) -> Iterable[Neighbour]:
    texts = {
        key.decode("utf-8", "replace").casefold(): (value or b"").decode("utf-8", "replace")
        for key, value in info.properties.items()
    }
    # Without AET, the instance's name is the title (H.2.1).
    title = _clean(texts.get("aet") or info.name.removesuffix(f".{info.type}"))
    addresses = info.parsed_addresses(IPVersion.V4Only)
    if title and addresses and info.port:
        device = _clean(texts.get("primarydevicetype", ""))
        yield Neighbour(title, addresses[0], info.port, info.type == TLS, device)


def _clean(text: str) -> str:
    """As an AE title may be: 16 printable ASCII characters."""
    return "".join(c for c in text if " " <= c <= "~" and c != "\\").strip()[:16]
