"""What the DICOMweb here can do: for programs by OPTIONS (PS3.18 8.9), for people as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from appliance.dicom.media_types import OCTETS
from appliance.dicom.pixels import MEDIA_TYPES
from web.dicomweb import charset
from web.dicomweb.accept import DICOM, JSON, MULTIPART, XML, accepted
from web.report import writing

_WADL = "application/vnd.sun.wadl+xml"
_MODELS = (JSON, f'{MULTIPART}; type="{XML}"')
_PICTURES = (*MEDIA_TYPES, *(f'{MULTIPART}; type="{kind}"' for kind in MEDIA_TYPES))
_REPORTS = (*writing.MEDIA_TYPES, *(f'{MULTIPART}; type="{kind}"' for kind in writing.MEDIA_TYPES))
_ANSWERS: Mapping[str, Sequence[str]] = {
    "metadata": _MODELS,
    "studies": _MODELS,
    "series": _MODELS,
    "instances": _MODELS,
    "files": (f'{MULTIPART}; type="{DICOM}"', DICOM),
    "frames": (f'{MULTIPART}; type="{OCTETS}"', f'{MULTIPART}; type="image/*"', OCTETS),
    "bulkdata": (OCTETS, f'{MULTIPART}; type="{OCTETS}"'),
    "pixeldata": (f'{MULTIPART}; type="{OCTETS}"',),
    "rendered": (*_PICTURES, "video/mp4", "application/pdf", *_REPORTS),
    "thumbnail": MEDIA_TYPES,
    "wado": (*MEDIA_TYPES, *writing.MEDIA_TYPES, DICOM),
}
TAKEN = (DICOM, *(f'{MULTIPART}; type="{kind}"' for kind in (DICOM, JSON, XML)))
"""What a POST may bring; beside the latter two, bulk data of any media type (10.5.2)."""

Ways = Mapping[str, Sequence[tuple[str, str]]]
"""By path below the root: each method, and what it is about."""


def answering(ways: Ways, path: str) -> Handler:
    """The handler of OPTIONS at `path`: what can be asked there; at the root, all of it."""
    here = {path: ways[path]} if path in ways else ways
    allowed = ", ".join(dict.fromkeys([*(method for many in here.values() for method, _ in many), "HEAD", "OPTIONS"]))

    async def options(request: web.Request) -> web.Response:
        kinds = (_WADL, "application/json")
        wanted = next((kind for each in accepted(request) for kind in kinds if each.takes(kind)), _WADL)
        body = _wadl(here) if wanted == _WADL else _json(here)
        return web.Response(body=body, headers={"Content-Type": wanted, "Allow": allowed, "Vary": "Accept"})

    return options


def page(ways: Ways) -> Handler:
    """The handler of the page for people at the root."""

    async def show(request: web.Request) -> web.Response:
        root = request.path.rstrip("/")
        rows = "".join(
            f"<tr><td>{method}<td><code>{escape(root + path)}</code><td>{escape(', '.join(_kinds(method, kind)))}"
            for path, many in ways.items()
            for method, kind in many
        )
        text = _PAGE.format(root=escape(root), rows=rows)
        policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
        return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": policy})

    return show


_PAGE = """<!doctype html><html lang=en><meta charset=utf-8><title>DICOMweb</title>
<style>body{{font:16px/1.5 sans-serif;margin:2rem}}td{{padding:.1rem 1rem .1rem 0;vertical-align:top}}</style>
<h1>DICOMweb</h1>
<p>This is for viewers and PACS, not for looking at images by hand. Give your program this address:
<code>{root}</code>, for searching (QIDO-RS), retrieving (WADO-RS) and storing (STOW-RS) alike.
From another machine it also needs an access token: <code>pacsbox token create</code>.</p>
<table><tr><th>method<th>path<th>answers, or what it takes{rows}</table></html>
"""


def _json(ways: Ways) -> bytes:
    listed = [
        {"method": method, "path": path, "takes" if method == "POST" else "answers": list(_kinds(method, kind))}
        for path, many in ways.items()
        for method, kind in many
    ]
    return orjson.dumps({"charsets": [charset.NAME], "resources": listed})


def _wadl(ways: Ways) -> bytes:
    resources = "".join(
        f'<resource path="{escape(path.lstrip("/"))}">{"".join(_method(*each) for each in many)}</resource>'
        for path, many in ways.items()
    )
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<application xmlns="http://wadl.dev.java.net/2009/02">'
    told = f'<doc title="Character set">{charset.NAME}</doc>'
    return f'{head}<resources base="">{told}{resources}</resources></application>'.encode()


def _kinds(method: str, kind: str) -> Sequence[str]:
    """The media types that it answers with, or that a POST takes."""
    return TAKEN if method == "POST" else _ANSWERS[kind]


def _method(method: str, kind: str) -> str:
    kinds = "".join(f'<representation mediaType="{escape(each)}"/>' for each in _kinds(method, kind))
    if method == "POST":
        return f'<method name="POST"><request>{kinds}</request></method>'
    return f'<method name="{method}"><response>{kinds}</response></method>'
