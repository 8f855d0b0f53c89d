"""What the doors tell of each request: never a share's code, a PIN, a query or a name."""

from __future__ import annotations

import logging

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.http_exceptions import HttpProcessingError

ACCESS = logging.getLogger("web.access")
SERVER = logging.getLogger("web.server")


class AccessLogger(AbstractAccessLogger):
    """One line a request, with the route's pattern in place of the path."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """`POST /s/{code} 303 0 bytes 12 ms`; a path that is no route of ours is not written at all.

        Reading that went well is for who looks closely: leafing through a series is hundreds of requests.
        """
        read_well = request.method in ("GET", "HEAD") and response.status < 400
        self.logger.log(
            logging.DEBUG if read_well else logging.INFO,
            "%s %s %d %d bytes %.0f ms",
            request.method,
            _pattern(request),
            response.status,
            response.body_length,
            time * 1000,
        )


def _pattern(request: web.BaseRequest) -> str:
    try:
        resource = request.match_info.route.resource if isinstance(request, web.Request) else None
    except AssertionError:  # aiohttp's way to say that what came was no HTTP, and no route was looked for
        resource = None
    return resource.canonical if resource is not None else "(no such page)"


class _WithoutTheirWords(logging.Filter):
    """A malformed request's traceback quotes its first line, and that may hold a code."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(record.exc_info[1], HttpProcessingError):
            record.msg = f"{record.msg}: not HTTP"
            record.exc_info = None
        return True


SERVER.addFilter(_WithoutTheirWords())
