"""Style, script and icon under names with their digest, so that browsers may keep them for good."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

_FOLDER = Path(__file__).with_name("static")
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_KEPT = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Asset:
    """One file."""

    path: str
    """`/static/viewer.0a1b2c3d.js`."""
    body: bytes
    media_type: str


class Assets:
    """All of them, read once at start."""

    def __init__(self) -> None:
        self._by_file = {path.name: _read(path) for path in _FOLDER.iterdir() if path.suffix in _TYPES}
        self._by_path = {asset.path: asset for asset in self._by_file.values()}

    def url(self, file: str) -> str:
        """Where pages find `file`."""
        return self._by_file[file].path

    async def serve(self, request: web.Request) -> web.Response:
        """GET /static/{name}."""
        asset = self._by_path.get(request.path)
        if asset is None:
            raise web.HTTPNotFound
        return web.Response(
            body=asset.body, content_type=asset.media_type, charset="utf-8", headers={"Cache-Control": _KEPT}
        )


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    digest = hashlib.sha256(body).hexdigest()[:10]
    return Asset(f"/static/{path.stem}.{digest}{path.suffix}", body, _TYPES[path.suffix])
