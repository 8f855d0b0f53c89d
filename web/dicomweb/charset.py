"""Character sets of answers (PS3.18 8.8): what is told as text is told in UTF-8 alone, files keep what they have."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from web.dicomweb.accept import MediaRange, weighted

NAME = "UTF-8"
_NAMES = ("utf-8", "utf8", "iso_ir 192")
"""As IANA, clients and DICOM call it (Annex D)."""
_ONLY = "Text is told in the character set UTF-8 alone"


def check_query(request: web.BaseRequest) -> None:
    """Raise ValueError where the parameter `charset` asks for others only (8.3.3.2)."""
    asked = _asked(request)
    if asked and not any(asked.get(name) for name in _NAMES):
        raise ValueError(_ONLY)


def check(request: web.BaseRequest, ranges: Iterable[MediaRange]) -> None:
    """Raise `web.HTTPNotAcceptable` where Accept-Charset leaves out UTF-8, for answers that are text.

    It counts last: after the media type's own parameter, and after the query's (8.8.5). A media type that names another
    is passed over in this, as the standard says.
    """
    if _asked(request) or any(each.parameters.get("charset", "").lower() in _NAMES for each in ranges):
        return
    taken = weighted(",".join(request.headers.getall("Accept-Charset", [])))
    if taken and not next((taken[name] for name in _NAMES if name in taken), taken.get("*", 0.0)):
        raise web.HTTPNotAcceptable(reason=_ONLY)


def _asked(request: web.BaseRequest) -> dict[str, float]:
    return weighted(",".join(request.query.getall("charset", [])))
