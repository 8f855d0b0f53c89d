"""The viewer's files, below a folder named by their digest, so that browsers may keep them for good."""

from __future__ import annotations

import asyncio
from pathlib import PurePosixPath

from aiohttp import web

from appliance.full_viewer import Viewer

ROOT = "/ohif"
_KEPT = "public, max-age=31536000, immutable"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
}
POLICY = "; ".join(
    (
        "default-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "worker-src 'self' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' blob: data:",
        "font-src 'self' data:",
        "media-src 'self' blob:",
        "connect-src 'self' blob: data:",
        "object-src 'self' blob:",
        "frame-src 'self' blob:",
    )
)
"""Of its pages and workers. Codecs are WebAssembly; styles are set by its scripts all the time."""
_CODEC_POLICY = "default-src 'none'; script-src 'self' 'unsafe-eval' 'wasm-unsafe-eval'; connect-src 'self'"
"""A worker goes by what comes with its own script. The one that decodes joins WebAssembly to JavaScript by making
functions of text, which its page may not; it sees neither the page nor its cookies.
"""


class Files:
    """Serves what an installed viewer consists of, and nothing beside it."""

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self.folder = f"{ROOT}/{viewer.digest}/"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """GET /ohif/{digest}/{name}: compressed beforehand where the browser takes that (RFC 9110 12.5.3)."""
        name, viewer = request.match_info["name"], self._viewer
        if request.match_info["digest"] != viewer.digest or name not in viewer.files:
            raise web.HTTPNotFound
        headers = {
            "Cache-Control": _KEPT,
            "Content-Security-Policy": _CODEC_POLICY if name == viewer.codecs else POLICY,
            "Content-Type": _TYPES[PurePosixPath(name).suffix],
            "Vary": "Accept-Encoding",
        }
        if "If-Range" in request.headers and "Range" in request.headers:
            # It may be about a compressed form, to which no other's parts fit; aiohttp looks at dates alone.
            return web.Response(body=await asyncio.to_thread((viewer.folder / name).read_bytes), headers=headers)
        return web.FileResponse(viewer.folder / name, headers=headers)


async def framed(_request: web.Request, response: web.StreamResponse) -> None:
    """The signal for documents: the viewer shows them in a frame of its own page."""
    if response.content_type == "application/pdf":
        response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'self'"
        response.headers["X-Frame-Options"] = "SAMEORIGIN"


async def unkept(_request: web.Request, response: web.StreamResponse) -> None:
    """The signal for a file that is gone after all: no browser shall keep that for good."""
    if isinstance(response, web.FileResponse) and response.status >= 400:
        response.headers["Cache-Control"] = "no-store"
