"""Parts of a long answer, as players and downloaders ask for them (RFC 9110 14)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from aiohttp import web

from web.conditional import is_unchanged

_NOTHING = re.compile("bytes=-0+", re.IGNORECASE)
"""The last no bytes, which aiohttp takes for all of them."""


def asked_for(
    request: web.BaseRequest, size: int, valid: Mapping[str, str] | None = None
) -> tuple[int, int, dict[str, str]]:
    """First byte, the one after the last, and the headers that tell so; all of it when the request asks for no part.

    `valid` are the headers by which the client may ask that nothing has changed. Raises
    `web.HTTPRequestRangeNotSatisfiable`.
    """
    headers = {"Accept-Ranges": "bytes", **(valid or {})}
    # Of a HEAD there are no parts (14.2).
    wanted = request.method == "GET" and "Range" in request.headers and is_unchanged(request, headers)
    start, stop = 0, size
    if wanted:
        try:
            start, stop, _ = request.http_range.indices(size)
        except ValueError:
            pass  # what is no range is not heeded (14.2)
        else:
            if start >= stop or _NOTHING.fullmatch(request.headers["Range"]):
                raise web.HTTPRequestRangeNotSatisfiable(headers={"Content-Range": f"bytes */{size}"})
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return start, stop, headers | {"Content-Length": str(stop - start)}


def status(headers: dict[str, str]) -> int:
    """Of an answer with these headers."""
    return 206 if "Content-Range" in headers else 200
