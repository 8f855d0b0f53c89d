"""What the client has already, or a part of: ETag and Last-Modified, and what it asks by them (RFC 9110 13)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from aiohttp import web

_TAG = re.compile(r'(?:W/)?"[^"]*"|(?<![^,\s])\*(?![^,\s])')
_READING = ("GET", "HEAD")


def validators(tag: str, modified: datetime | None = None, *, weak: bool = False) -> dict[str, str]:
    """`ETag`, weak where the bytes are others each time, and `Last-Modified`, where one is known that is true."""
    headers = {"ETag": f'{"W/" if weak else ""}"{tag}"'}
    if modified is not None:
        headers["Last-Modified"] = format_datetime(modified.astimezone(UTC), usegmt=True)
    return headers


def check(request: web.BaseRequest, headers: Mapping[str, str]) -> None:
    """Raises `web.HTTPNotModified`, with these headers, when the client has just that (13.1.2, 13.1.3)."""
    if request.method in _READING and _has(request, headers):
        raise web.HTTPNotModified(headers=headers)


def is_unchanged(request: web.BaseRequest, headers: Mapping[str, str]) -> bool:
    """Whether a part of what has these headers fits to what the client has, as far as it asks that (13.1.5)."""
    said = request.headers.getall("If-Range", [])
    if not said:
        return True
    if len(said) > 1 or said[0].startswith("W/"):
        return False  # what is only alike is no good to put parts together
    if said[0].startswith('"'):
        return said[0] == headers.get("ETag")
    date = _date(said[0])
    return date is not None and date == _date(headers.get("Last-Modified", ""))


def _has(request: web.BaseRequest, headers: Mapping[str, str]) -> bool:
    known, since = (request.headers.getall(name, []) for name in ("If-None-Match", "If-Modified-Since"))
    if known:
        tags = {tag.removeprefix("W/") for tag in _TAG.findall(",".join(known))}
        return bool(tags & {"*", headers["ETag"].removeprefix("W/")})
    date, modified = _date(since[0]) if len(since) == 1 else None, _date(headers.get("Last-Modified", ""))
    return date is not None and modified is not None and modified <= date


def _date(text: str) -> datetime | None:
    """An HTTP-date in any of its three forms (5.6.7); None for what is none."""
    try:
        found = parsedate_to_datetime(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
