"""What our own forms send, and nothing else that can be posted."""

from __future__ import annotations

from urllib.parse import parse_qsl

from aiohttp import web

_KIND = "application/x-www-form-urlencoded"
_LARGEST = 16384
_MOST = 16


async def fields(request: web.Request) -> dict[str, str]:
    """The fields of a form by name, the last of each; none for a press of a button that sends nothing.

    Raises `web.HTTPUnsupportedMediaType`, `web.HTTPRequestEntityTooLarge`, and ValueError for too many of them.
    """
    if not request.can_read_body:
        return {}
    if request.content_type != _KIND:
        raise web.HTTPUnsupportedMediaType
    body = await request.read()
    if len(body) > _LARGEST:
        raise web.HTTPRequestEntityTooLarge(_LARGEST, len(body))
    return dict(parse_qsl(body.decode("ascii", "replace"), errors="replace", max_num_fields=_MOST))
