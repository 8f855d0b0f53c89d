"""Style, scripts and icon under a folder named by their digest, so that browsers may keep them for good."""

from __future__ import annotations

import hashlib
from pathlib import Path

from aiohttp import web

_FOLDER = Path(__file__).with_name("static")
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_KEPT = "public, max-age=31536000, immutable"


class Assets:
    """All of them, read once at start; one digest for all, since the scripts name each other."""

    def __init__(self) -> None:
        files = sorted(path for path in _FOLDER.iterdir() if path.suffix in _TYPES)
        self._bodies = {path.name: path.read_bytes() for path in files}
        self._digest = hashlib.sha256(b"\0".join(self._bodies.values())).hexdigest()[:12]

    def url(self, file: str) -> str:
        """Where pages find `file`: `/static/0a1b2c3d4e5f/viewer.js`."""
        if file not in self._bodies:
            raise KeyError(file)
        return f"/static/{self._digest}/{file}"

    def scripts(self) -> list[str]:
        """Where all the scripts are, for pages to fetch them at once."""
        return [self.url(name) for name in self._bodies if name.endswith(".js")]

    async def serve(self, request: web.Request) -> web.Response:
        """GET /static/{digest}/{name}."""
        name = request.match_info["name"]
        body = self._bodies.get(name)
        if body is None or request.match_info["digest"] != self._digest:
            raise web.HTTPNotFound
        kind = _TYPES[Path(name).suffix]
        return web.Response(body=body, content_type=kind, charset="utf-8", headers={"Cache-Control": _KEPT})
