"""Pages of other origins that may read here, by configuration: none unless staff name them (Fetch, CORS protocol)."""

from __future__ import annotations

from aiohttp import web

from web.keys import BOX

_EXPOSED = "Accept-Ranges, Content-Length, Content-Location, Content-Range, ETag, Last-Modified, Warning"
_TAKEN = "Accept, Authorization, Content-Type, If-Modified-Since, If-None-Match, If-Range, Range"


async def opened(request: web.Request, response: web.StreamResponse) -> None:
    """The signal: answer who comes from an origin that was named. The token is still asked for."""
    origin = request.headers.get("Origin", "")
    if not origin or origin not in request.app[BOX].config.web.allowed_origins:
        return
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = _EXPOSED
    response.headers.add("Vary", "Origin")
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "GET, HEAD, OPTIONS")
        response.headers["Access-Control-Allow-Headers"] = _TAKEN
        response.headers["Access-Control-Max-Age"] = "3600"
