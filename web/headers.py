"""What every answer of the patient door tells the browser (OWASP ASVS 3.4, 14.3)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

_SELF = ("img-src", "media-src", "script-src", "style-src", "connect-src", "form-action")
_NONE = ("default-src", "base-uri", "frame-ancestors")

CONTENT_POLICY = "; ".join([*(f"{name} 'none'" for name in _NONE), *(f"{name} 'self'" for name in _SELF)])

_FOREVER = "max-age=31536000"
_HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}

Signal = Callable[[web.Request, web.StreamResponse], Awaitable[None]]


async def bare(_request: web.Request, response: web.StreamResponse) -> None:
    """The signal of the clinic door: answers to programs, about patients, are kept by nobody in between."""
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers["Server"] = "pacsbox"


def hardened(public_url: str) -> Signal:
    """The signal that adds the headers which the handler did not set itself."""
    headers = dict(_HEADERS)
    if public_url.startswith("https://"):
        headers["Strict-Transport-Security"] = _FOREVER

    async def add(_request: web.Request, response: web.StreamResponse) -> None:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        # aiohttp has named itself and its version by now.
        response.headers["Server"] = "pacsbox"

    return add
