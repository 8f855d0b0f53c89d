"""Parts of a long answer, as players and downloaders ask for them (RFC 9110 14)."""

from __future__ import annotations

from aiohttp import web


def asked_for(request: web.BaseRequest, size: int) -> tuple[int, int, dict[str, str]]:
    """First byte, the one after the last, and the headers that tell so; all of it when the request asks for no part.

    Raises `web.HTTPRequestRangeNotSatisfiable`.
    """
    headers = {"Accept-Ranges": "bytes"}
    try:
        start, stop, _ = request.http_range.indices(size)
    except ValueError:
        start, stop = 0, size  # what is no range is not heeded (14.2)
    else:
        if "Range" in request.headers:
            if start >= stop:
                raise web.HTTPRequestRangeNotSatisfiable(headers={"Content-Range": f"bytes */{size}"})
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return start, stop, headers | {"Content-Length": str(stop - start)}


def status(headers: dict[str, str]) -> int:
    """Of an answer with these headers."""
    return 206 if "Content-Range" in headers else 200
