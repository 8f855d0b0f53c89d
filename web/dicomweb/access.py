"""Who asks at the clinic door: a program with a token, staff with a session, or someone on this machine."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from aiohttp import HttpVersion11, web

from appliance.access.scope import EVERYTHING, Scope
from appliance.access.tokens import TokenRefusedError
from web.guards import CHALLENGE
from web.keys import BOX, THREADS
from web.staff.entrance import entered

_FORWARDED = ("forwarded", "via", "x-real-ip", "x-forwarded-", "cf-")
"""How headers begin that proxies add: who comes through one is not on this machine."""


@dataclass(frozen=True)
class Grant:
    """What a guard gives to a request."""

    scope: Scope
    still: Callable[[], object]
    """Asked in a thread while a long answer goes out; raises when it was taken back."""


Guard = Callable[[web.Request], Awaitable[Grant]]


async def clinic(request: web.Request) -> Grant:
    """By bearer token (RFC 6750), by a session, or as a program on this machine while the door is open to no other.

    Raises `web.HTTPUnauthorized`, and `web.HTTPForbidden` for what another site's page sends with a session.
    """
    said = request.headers.get("Authorization")
    if said is None:
        if session := await entered(request):
            return Grant(*session)
        if _is_at_home(request):
            return Grant(Scope("this machine", EVERYTHING), lambda: None)
        raise _unauthorized("This needs an access token (see pacsbox token create), or staff to log in")
    scheme, _, text = said.partition(" ")
    if scheme.lower() != "bearer":
        raise _unauthorized("Send an access token as: Authorization: Bearer ...")
    box = request.app[BOX]

    def ask() -> Scope:
        return box.bearers.scope(text.strip())

    try:
        return Grant(await request.app[THREADS].run(ask), ask)
    except TokenRefusedError as fault:
        raise _unauthorized(str(fault), ', error="invalid_token"') from fault


def _unauthorized(reason: str, error: str = "") -> web.HTTPUnauthorized:
    return web.HTTPUnauthorized(reason=reason, headers={"WWW-Authenticate": CHALLENGE + error})


def _is_at_home(request: web.Request) -> bool:
    """Whether the door is for this machine alone, and the request really of it.

    A proxy's marks, another site's page, or a name in Host that is not ours, as a page elsewhere makes one up to
    reach us through a browser here (DNS rebinding) and as a proxy passes one on, say that it isn't.
    """
    addresses = (request.app[BOX].config.web.clinic_bind, request.remote or "")
    return all(map(_is_loopback, addresses)) and _names_us(request) and not _is_passed_on(request)


def _is_passed_on(request: web.Request) -> bool:
    """By a proxy, some of which tell only by speaking HTTP/1.0, or by another site's page."""
    marked = any(name.lower().startswith(_FORWARDED) for name in request.headers)
    return marked or request.version < HttpVersion11 or request.headers.get("Sec-Fetch-Site") == "cross-site"


def _names_us(request: web.Request) -> bool:
    """Whether Host is this machine, and the port that we listen on where it has one.

    dicomweb-client and hand-made requests leave it out.
    """
    listening = (request.transport and request.transport.get_extra_info("sockname")) or ("", 0)
    try:
        said = urlsplit(f"//{request.host}")
        name, port = said.hostname or "", said.port
    except ValueError:
        return False
    return (name == "localhost" or _is_loopback(name)) and port in (None, listening[1])


@lru_cache(maxsize=256)
def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
