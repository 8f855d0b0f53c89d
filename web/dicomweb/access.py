"""Who asks at the clinic door: a program with a token, or someone on this machine."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from appliance.access.scope import EVERYTHING, Scope
from appliance.access.tokens import TokenRefusedError
from web.keys import BOX, THREADS

_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "CF-Connecting-IP", "Via")
"""Said by proxies: who comes through one is not on this machine."""


@dataclass(frozen=True)
class Grant:
    """What a guard gives to a request."""

    scope: Scope
    still: Callable[[], object]
    """Asked in a thread while a long answer goes out; raises when it was taken back."""


Guard = Callable[[web.Request], Awaitable[Grant]]


async def clinic(request: web.Request) -> Grant:
    """By bearer token (RFC 6750), or as a program on this machine while the door is open to no other.

    Raises `web.HTTPUnauthorized`.
    """
    said = request.headers.get("Authorization")
    if said is None:
        if _is_at_home(request):
            return Grant(Scope("this machine", EVERYTHING), lambda: None)
        raise _unauthorized("This needs an access token: see pacsbox token create")
    scheme, _, text = said.partition(" ")
    if scheme.lower() != "bearer":
        raise _unauthorized("Send an access token as: Authorization: Bearer ...")
    box = request.app[BOX]

    def ask() -> Scope:
        return box.tokens.scope(text.strip())

    try:
        return Grant(await request.app[THREADS].run(ask), ask)
    except TokenRefusedError as fault:
        raise _unauthorized(str(fault), ', error="invalid_token"') from fault


def _unauthorized(reason: str, error: str = "") -> web.HTTPUnauthorized:
    return web.HTTPUnauthorized(reason=reason, headers={"WWW-Authenticate": f'Bearer realm="pacsbox"{error}'})


def _is_at_home(request: web.Request) -> bool:
    """Whether the door is for this machine alone, and the request really of it.

    A proxy's marks, or a name in Host that a page elsewhere could have made up to reach us through a browser
    here (DNS rebinding), say that it isn't.
    """
    addresses = (request.app[BOX].config.web.clinic_bind, request.remote or "", _host(request))
    return all(map(_is_loopback, addresses)) and not any(name in request.headers for name in _FORWARDED)


def _host(request: web.Request) -> str:
    """The address in Host, without the port."""
    host = request.host
    if host.startswith("["):
        return host[1:].partition("]")[0]
    name = host.rpartition(":")[0] or host
    return "127.0.0.1" if name.lower() == "localhost" else name


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
