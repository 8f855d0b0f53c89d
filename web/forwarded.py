"""How a client sees the door that it came to: its own address, and scheme, host and path as it typed them.

```
client --> proxy --> proxy of ours --> door          peer: who is connected, the proxy of ours
           ^ told by the proxy of ours, last in each list; what stands before, anyone may have written
```
From the right each one's word counts as long as it is of an address in `web.trusted_proxies`: so the client is the
first that is none of ours (ASVS 15.3.4), if `web.address_header` says where it is told. What is malformed says nothing;
nobody else's headers change anything.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from aiohttp import web
from multidict import CIMultiDictProxy

from appliance.config.table import Web
from web.keys import BOX

_LONGEST = 2048
"""Characters that are looked at, from the right."""
_MOST = 32
"""Proxies; no honest way has so many."""
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_VALUE = _TOKEN.replace("[", r"[\[\]:", 1)
"""Without quotes, too, which proxies leave out around ports and IPv6."""
_PAIR = rf'{_TOKEN}=(?:{_VALUE}|"(?:[^"\\]|\\.)*")'
_ELEMENT = re.compile(rf"[ \t]*(?:{_PAIR})?(?:[ \t]*;(?:[ \t]*{_PAIR})?)*[ \t]*")
_NODE = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\w+)?|([0-9.]+)(?::\w+)?|([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)(?:%\w+)?")
_HOST = re.compile(r"([A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?")
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+){0,8}")
_PORTS = {"http": "80", "https": "443"}
_FORWARDED, _FOR = "Forwarded", "X-Forwarded-For"
_PROTO, _NAME, _PORT = "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port"
_PREFIXED = "X-Forwarded-Prefix"
_TELLING = (_FORWARDED, _FOR, _PROTO, _NAME, _PORT, _PREFIXED)

Headers = CIMultiDictProxy[str]


@dataclass(frozen=True)
class Seen:
    """The door as the client sees it."""

    scheme: str
    host: str
    """In lower case, with its port unless that is the scheme's own; empty where it is no name of anything."""
    prefix: str
    """The path below which a proxy shows the door; empty at the root."""
    address: str
    """The client's; that of the nearest proxy that we know, where nobody says."""

    @property
    def root(self) -> str:
        """`https://images.clinic.example/box`; empty without a host."""
        return f"{self.scheme}://{self.host}{self.prefix}" if self.host else ""


@dataclass(frozen=True)
class Hop:
    """Who came to a proxy or to us, and where they thought to be; empty where that isn't said."""

    address: str
    scheme: str
    host: str
    port: str = ""


SEEN = web.RequestKey("seen", Seen)


def seen(request: web.Request) -> Seen:
    """The door as whoever sent the request sees it."""
    if SEEN not in request:
        connected = Hop(address(request.remote or ""), "https" if request.secure else "http", request.host)
        request[SEEN] = told(connected, request.headers, request.app[BOX].config.web)
    return request[SEEN]


def told(connected: Hop, headers: Headers, options: Web) -> Seen:
    """The door as the client of a connection sees it, by what headers tell if that is a proxy of ours."""
    ours = frozenset(map(address, options.trusted_proxies)) - {""}
    if connected.address not in ours or headers.keys().isdisjoint((*_TELLING, options.address_header)):
        return Seen(connected.scheme, _host(connected, connected.scheme), "", connected.address)
    hops = _hops(headers, options.address_header)
    client, place = _walked(connected.address, [hop.address for hop in hops], ours)
    if not options.address_header:
        client = connected.address  # many proxies hand on what clients say of their address
    elif options.address_header.lower() != _FORWARDED.lower():
        said = map(address, _listed(headers, options.address_header))
        client, _ = _walked(connected.address, list(said), ours)
    # The outermost of our proxies knows best; it may leave to the next what that one is told by it.
    known = [*hops[place::-1], connected] if hops else [connected]
    scheme = next(hop.scheme for hop in known if hop.scheme)
    port = next((hop.port for hop in known if hop.port), "")
    hosts = (_host(hop, scheme, port) for hop in known)
    return Seen(scheme, next((host for host in hosts if host), ""), _prefix(headers), client)


def _walked(peer: str, said: Sequence[str], ours: frozenset[str]) -> tuple[str, int]:
    """The client's address and the place of who tells of it, of those that are said from the right."""
    found = peer
    for place, one in enumerate(said):
        found = one or found
        if one not in ours:
            return found, place
    return found, len(said) - 1


def _hops(headers: Headers, address_header: str) -> list[Hop]:
    """From the right.

    Nearly every proxy writes X-Forwarded-*, and hands on a Forwarded that anyone has sent: so where both come the
    latter counts only if `address_header` says that it is what ours writes.
    """
    wants_forwarded = address_header.lower() == _FORWARDED.lower()
    if wants_forwarded or not any(name in headers for name in (_FOR, _PROTO, _NAME, _PORT)):
        return [
            Hop(address(said.get("for", "")), _scheme(said.get("proto", "")), said.get("host", ""))
            for said in islice(_elements(",".join(headers.getall(_FORWARDED, ()))), _MOST)
        ]
    ways = _listed(headers, _FOR) or [""]
    proto, name, port = (_along(_listed(headers, each), len(ways)) for each in (_PROTO, _NAME, _PORT))
    return [Hop(address(way), _scheme(proto[place]), name[place], port[place]) for place, way in enumerate(ways)]


def _listed(headers: Headers, name: str) -> list[str]:
    """The words of a list, from the right."""
    words = ",".join(headers.getall(name, ()))[-_LONGEST:].split(",")[::-1][:_MOST]
    return [word.strip() for word in words] if name in headers else []


def _along(said: list[str], count: int) -> list[str]:
    """One for each of `count` proxies: those that don't add to a list write it anew, and then the last is for all."""
    return said if len(said) == count else (said[:1] or [""]) * count


def _elements(text: str) -> Iterator[dict[str, str]]:
    """Those of Forwarded (RFC 7239 4) from the right, up to what can't be read; none of them has a comma in quotes.

    So a quote that a client left open hides nothing, and takes nobody else's place.
    """
    for element in reversed(text[-_LONGEST:].split(",")):
        if not _ELEMENT.fullmatch(element):
            return
        if pairs := dict(map(_pair, re.findall(_PAIR, element))):
            yield pairs


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.lower(), re.sub(r"\\(.)", r"\1", value[1:-1]) if value[0] == '"' else value


def _scheme(said: str) -> str:
    return said.lower() if said.lower() in _PORTS else ""


def _host(said: Hop, scheme: str, port: str = "") -> str:
    """The host that it says, with `port` where it says none; empty where it is no name of anything."""
    found = _HOST.fullmatch(said.host)
    if found is None:
        return ""
    port = found[2] or (port if re.fullmatch("[0-9]{1,5}", port) else "")
    return found[1].lower() + (f":{port}" if port not in ("", _PORTS[scheme]) else "")


def _prefix(headers: Headers) -> str:
    said = headers.get(_PREFIXED, "").rstrip("/")
    return said if _PREFIX.fullmatch(said) else ""


@lru_cache(maxsize=256)
def address(text: str) -> str:
    """An IP address in its usual form, without the port; empty for what is none: `unknown`, `_hidden` (RFC 7239 6)."""
    found = _NODE.fullmatch(text.strip())
    try:
        parsed = ipaddress.ip_address((found[1] or found[2] or found[3]) if found else "")
    except ValueError:
        return ""
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)
